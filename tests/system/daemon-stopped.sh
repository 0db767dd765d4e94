#!/bin/sh
# F1: with a stopped daemon a call ends in an error within its deadline; when it
# goes on, the same process works again, without a restart.
. "${0%/*}/lib.sh"
requires "$PY"

cat >"$T/stopped.py" <<'END'
import errno, os, signal, sys, time
pre, run = sys.argv[1], os.environ['BENCHFS_RUN_DIR']
pid = int(open(f'{run}/pid').read())
os.chdir(pre)
open('f', 'w').write('before')
fd = os.open('f', os.O_RDWR)

def fails(f, *a):
    for i in range(3):  # the machine may be busy elsewhere
        start = time.monotonic()
        try:
            f(*a)
            sys.exit(f'{f.__name__}: succeeded on a stopped daemon')
        except OSError as e:
            if e.errno not in (errno.EIO, errno.ETIMEDOUT):
                sys.exit(f'{f.__name__}: {e}')
        took = time.monotonic() - start
        if 1.5 < took < 8:
            return
    sys.exit(f'{f.__name__} took {took:.2f} s, the deadline is 3 s')

os.kill(pid, signal.SIGSTOP)
try:
    fails(os.stat, 'f')
    fails(os.mkdir, 'd')
    if not os.fork():  # a new process waits no longer
        fails(os.listdir, pre)
        os._exit(0)
    if os.wait()[1]:
        sys.exit('the child failed')
finally:
    os.kill(pid, signal.SIGCONT)
# what timed out may have been done or not, but what comes now is in order
deadline = time.monotonic() + 60
while True:
    try:
        if os.stat('f').st_size == 6:
            break
    except OSError:
        pass
    if time.monotonic() > deadline:
        sys.exit('does not work again')
    time.sleep(0.05)
os.write(fd, b'AFTER!')
assert open('f').read() == 'AFTER!'
os.mkdir('e')
os.rename('f', 'e/g')
assert os.listdir('e') == ['g'], os.listdir('e')
assert set(os.listdir('.')) <= {'d', 'e'}, os.listdir('.')
if not os.fork():
    open('child', 'w').write('x')
    os._exit(0)
assert os.wait()[1] == 0 and os.path.getsize('child') == 1
# a call that is answered in time is not disturbed by a short stop
os.kill(pid, signal.SIGSTOP)
if not os.fork():
    time.sleep(0.3)
    os.kill(pid, signal.SIGCONT)
    os._exit(0)
assert os.stat('e/g').st_size == 6
os.wait()
END
BENCHFS_TIMEOUT=3
export BENCHFS_TIMEOUT
bfs "$PY" "$T/stopped.py" "$mnt" || fail "status $?"
