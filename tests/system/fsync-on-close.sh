#!/bin/sh
# D2: with storage.fsync_on_close each way to close a written file waits for the
# disk and tells its error; what only dies is synced by the daemon.
. "${0%/*}/lib.sh"
requires "$PY"

# The counters say what was synced: powering off is no test to be run here.
cat >"$T/closes.py" <<'END'
import ctypes, errno, fcntl, json, os, signal, subprocess, sys, time
os.chdir(sys.argv[1])
on = sys.argv[2] == 'on'

def counts():
    s = json.loads(subprocess.check_output(['benchfs', 'status', '--json']))
    return s['client_close_syncs'], s['close_syncs']

def child(f):
    """A process that does f; its counters are told when it is gone."""
    pid = os.fork()
    if not pid:
        f()
        libc._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

libc = ctypes.CDLL(None, use_errno=True)
W = os.O_WRONLY | os.O_CREAT
def op(flags=W):
    fd = os.open('f', flags, 0o644)
    if flags & os.O_ACCMODE != os.O_RDONLY:
        os.write(fd, b'x' * 10000)
    return fd

def by_close(): os.close(op())
def by_fclose():
    libc.fopen.restype = ctypes.c_void_p
    f = libc.fopen(b'f', b'w')
    libc.fputs(b'text', ctypes.c_void_p(f))
    assert libc.fclose(ctypes.c_void_p(f)) == 0
def by_dup2():
    fd, null = op(), os.open('/dev/null', os.O_RDONLY)
    os.dup2(null, fd)
def by_range():
    fd = op()
    os.closerange(fd, fd + 1)
def by_second():  # only the last of two
    fd = op()
    os.close(os.dup(fd))
    os.close(fd)
def by_reader(): os.close(op(os.O_RDONLY))
def by_two():
    a, b = op(), op()
    os.close(a), os.close(b)
def by_shell(): subprocess.check_call(['sh', '-c', 'echo a >f; echo b >>f; cat f >/dev/null'])

def by_kill():
    op()
    os.kill(os.getpid(), signal.SIGKILL)
def by_exit(): op()
def by_exec():
    op()
    os.execv('/bin/true', ['true'])
def by_unlink():  # nobody will look for it
    op()
    os.unlink('f')

os.close(op())
expected = {by_close: 1, by_fclose: 1, by_dup2: 1, by_range: 1, by_second: 1,
            by_reader: 0, by_two: 2, by_shell: 2}
for f, n in expected.items():
    before = counts()[0]
    assert child(f) == 0, f
    got = counts()[0] - before
    if (got < n if f == by_shell and on else got != (n if on else 0)):
        sys.exit(f'{f.__name__}: {got} synced, not {n}')

# All at once, and then silence: nothing asks the daemon in the meantime.
for silence in 3.5, 10, 30:  # more where the machine is busy elsewhere
    before = counts()[1]
    for f in by_unlink, by_kill, by_exit, by_exec:
        child(f)
    time.sleep(silence)
    got = counts()[1] - before
    if got == (3 if on else 0):
        break
else:
    sys.exit(f'the daemon synced {got} files of processes that are gone')
END
closes() {
	run_options="${BENCHFS_TEST_OPTIONS:-} -o storage.fsync_on_close=$*"
	bfs "$PY" "$T/closes.py" "$mnt" "$1" || fail "$*: $?"
}
closes on
closes on -o storage.max_storage_gb=1 # through the daemon
closes off

# an error is the close's
[ "${BENCHFS_TRANSPORT:-}" != ucx ] && [ -z "$far" ] || exit 0
cat >"$T/error.py" <<'END'
import ctypes, errno, os, sys
os.chdir(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
fd = os.open('f', os.O_WRONLY | os.O_CREAT)
os.write(fd, b'x')
try:
    os.close(fd)
    sys.exit('close tells nothing')
except OSError as e:
    assert e.errno == errno.EIO, e
try:
    os.fstat(fd)
    sys.exit('it is not closed')
except OSError as e:
    assert e.errno == errno.EBADF, e
libc.fopen.restype = ctypes.c_void_p
f = libc.fopen(b'f', b'w')
libc.fputs(b'text', ctypes.c_void_p(f))
assert libc.fclose(ctypes.c_void_p(f)) == -1 and ctypes.get_errno() == errno.EIO
assert open('f').read() == 'text'
END
run_options='-o storage.fsync_on_close=on'
rc=0
bfs "$helpers/deny" fsync "$PY" "$T/error.py" "$mnt" || rc=$?
[ $rc -eq 77 ] || [ $rc -eq 0 ] || fail "error: $rc"
