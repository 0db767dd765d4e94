# Run by locks.sh.
import errno, fcntl, os, signal, struct, sys, time
os.chdir(os.environ['D'])
open('f', 'w').write('x' * 100)
SETLK, SETLKW, GETLK = fcntl.F_SETLK, fcntl.F_SETLKW, fcntl.F_GETLK
OFD_GETLK, OFD_SETLK, OFD_SETLKW = 36, 37, 38
RD, WR, UN = fcntl.F_RDLCK, fcntl.F_WRLCK, fcntl.F_UNLCK
pack = lambda t, start, n, whence=0: struct.pack('hhqqi4x', t, whence, start, n, 0)

def lock(fd, cmd, t, start=0, n=0, whence=0):
    try:
        r = fcntl.fcntl(fd, cmd, pack(t, start, n, whence))
    except OSError as e:
        return errno.errorcode[e.errno]
    if cmd in (GETLK, OFD_GETLK):
        t, w, s, n, pid = struct.unpack('hhqqi4x', r)
        return (t, w, s, n, pid if pid <= 0 else 'parent' if pid == parent else 'pid') if t != UN else 'free'
    return 'ok'

def child(f):
    """Runs f in a child and waits."""
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        print('  child:', f())
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(pid, 0)

def try_in_child(*a):
    child(lambda: lock(os.open('f', os.O_RDWR), *a))

parent = os.getpid()
fd = os.open('f', os.O_RDWR)
print('POSIX', lock(fd, SETLK, WR, 10, 20), lock(fd, SETLK, WR, 15, 5))
try_in_child(SETLK, WR, 0, 10), try_in_child(SETLK, WR, 0, 11), try_in_child(SETLK, RD, 29, 1)
try_in_child(SETLK, WR, 30, 0), try_in_child(GETLK, WR, 0, 0), try_in_child(GETLK, RD, 40, 5)
print('to read', lock(fd, SETLK, RD, 12, 6))
try_in_child(SETLK, RD, 12, 6), try_in_child(SETLK, WR, 12, 1), try_in_child(GETLK, WR, 12, 0)
print('split', lock(fd, SETLK, UN, 14, 2), lock(fd, GETLK, WR, 0, 0))
try_in_child(SETLK, WR, 14, 2), try_in_child(SETLK, WR, 13, 2), try_in_child(GETLK, WR, 14, 3)
print('from the end', lock(fd, SETLK, WR, -5, 5, 2))
try_in_child(SETLK, WR, 95, 1), try_in_child(SETLK, WR, 94, 1), try_in_child(SETLK, WR, 100, 1)
print('negative', lock(fd, SETLK, WR, 60, -10))
try_in_child(GETLK, WR, 45, 20)
print('invalid', lock(fd, SETLK, WR, -1, 5), lock(fd, SETLK, 9, 0, 0))
r = os.open('f', os.O_RDONLY)
print('access', lock(r, SETLK, WR), lock(r, SETLK, RD, 50, 1))
os.close(r)  # closing any descriptor drops all of the process's locks
try_in_child(SETLK, WR, 0, 0)
lock(fd, SETLK, WR)
child(lambda: (lock(fd, GETLK, RD), os.close(fd)))  # the child owns none
try_in_child(SETLK, RD)
fcntl.lockf(fd, fcntl.LOCK_UN)
try_in_child(SETLK, WR)
print('OFD', lock(fd, OFD_SETLK, WR, 0, 10), lock(os.open('f', os.O_RDWR), OFD_SETLK, WR, 5, 1))
other = os.open('f', os.O_RDWR)
print(lock(other, OFD_GETLK, WR, 5, 1), lock(other, GETLK, WR, 5, 1), lock(other, SETLK, WR, 5, 1), lock(other, OFD_SETLK, RD, 10, 1))
dup = os.dup(fd)
child(lambda: lock(dup, OFD_SETLK, WR, 0, 10))  # the same description
os.close(dup)
print(lock(other, OFD_SETLK, WR, 0, 10))
os.close(fd)
print(lock(other, OFD_SETLK, WR, 0, 10))
os.close(other)

def fl(fd, op):
    try:
        fcntl.flock(fd, op | fcntl.LOCK_NB)
        return 'ok'
    except OSError as e:
        return errno.errorcode[e.errno]

a, b = os.open('f', os.O_RDONLY), os.open('f', os.O_RDWR)
print('flock', fl(a, fcntl.LOCK_EX), fl(b, fcntl.LOCK_SH), fl(a, fcntl.LOCK_SH), fl(b, fcntl.LOCK_SH), fl(b, fcntl.LOCK_EX))
print(lock(b, SETLK, WR))  # does not meet POSIX locks
dup = os.dup(b)
os.close(b)
print(fl(a, fcntl.LOCK_EX))
child(lambda: fl(dup, fcntl.LOCK_UN))  # unlocks it for all
print(fl(a, fcntl.LOCK_EX))
os.close(a), os.close(dup)
d = os.open('.', os.O_RDONLY)
print('directory', fl(d, fcntl.LOCK_EX), fl(os.open('.', os.O_RDONLY), fcntl.LOCK_EX))

# waiting: the lock comes when the holder lets go, ends, or is killed
def waiter(take, hold, how):
    ready_r, ready_w = os.pipe()
    pid = os.fork()
    if not pid:
        hold(os.open('f', os.O_RDWR))
        os.write(ready_w, struct.pack('d', time.monotonic()))
        time.sleep(0.1 if how != 'kill' else 100)
        os._exit(0)
    t = struct.unpack('d', os.read(ready_r, 8))[0]
    if how == 'kill':
        if not os.fork():
            time.sleep(0.1)
            os.kill(pid, signal.SIGKILL)
            os._exit(0)
    x = os.open('f', os.O_RDWR)
    take(x)
    print(how, 0.05 < time.monotonic() - t < 25)
    os.waitpid(pid, 0)
    if how == 'kill':
        os.wait()
    os.close(x)

for how in 'exit', 'kill':
    waiter(lambda x: lock(x, SETLKW, WR, 5, 9), lambda x: lock(x, SETLK, WR, 0, 6), how)
    waiter(lambda x: lock(x, OFD_SETLKW, RD), lambda x: lock(x, OFD_SETLK, WR, 0, 6), how)
    waiter(lambda x: fcntl.flock(x, fcntl.LOCK_EX), lambda x: fcntl.flock(x, fcntl.LOCK_SH), how)

# deadlock: two processes, each waits for what the other holds; one is told
deadlock = 'EDEADLK', 'EDEADLOCK'  # two names of one number
fd = os.open('f', os.O_RDWR)
lock(fd, SETLK, WR, 0, 1)
ready_r, ready_w = os.pipe()
pid = os.fork()
if not pid:
    mine = os.open('f', os.O_RDWR)
    lock(mine, SETLK, WR, 1, 1)
    os.write(ready_w, b'x')
    r = lock(mine, SETLKW, WR, 0, 1)
    os._exit(1 if r in deadlock else 0 if r == 'ok' else 9)
os.read(ready_r, 1)
time.sleep(0.1)
r = lock(fd, SETLKW, WR, 1, 1)
lock(fd, SETLK, UN)
print('deadlock', (r in deadlock) + (os.waitpid(pid, 0)[1] >> 8))

# a signal ends the wait
class Alarm(Exception):
    pass

def on_alarm(*a):
    signal.setitimer(signal.ITIMER_REAL, 0)
    raise Alarm

pid = os.fork()
if not pid:
    mine = os.open('f', os.O_RDWR)
    lock(mine, SETLK, WR)
    os.write(ready_w, b'x')
    time.sleep(100)
os.read(ready_r, 1)
signal.signal(signal.SIGALRM, on_alarm)
for take in lambda: lock(fd, SETLKW, RD), lambda: fcntl.lockf(fd, fcntl.LOCK_SH):
    signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)  # the first may be too early
    try:
        take()
        print('?')
    except Alarm:
        print('interrupted')
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
# a lock of one process is kept over exec, if that closes no descriptor of it
for x in range(3, 99):
    if x != fd:
        try:
            os.close(x)
        except OSError:
            pass
lock(fd, SETLK, WR, 50, 1)
os.set_inheritable(fd, True)
sys.stdout.flush()
os.execlp('sh', 'sh', '-c', f'{os.environ["PY"]} -c "'
          'import fcntl, os; f = open(\'f\', \'r+\')\n'
          'for s in 50, 51:\n'
          '  try: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, s); print(\'got\', s)\n'
          '  except OSError as e: print(e.strerror)"; :')
