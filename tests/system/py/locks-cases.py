# Run by locks.sh: what locks.py has not.
import errno, fcntl, os, signal, struct, sys, time
os.chdir(os.environ['D'])
open('g', 'w').write('x' * 100)
SETLK, SETLKW, GETLK = fcntl.F_SETLK, fcntl.F_SETLKW, fcntl.F_GETLK
OFD_GETLK, OFD_SETLK, OFD_SETLKW = 36, 37, 38
RD, WR, UN = fcntl.F_RDLCK, fcntl.F_WRLCK, fcntl.F_UNLCK
pack = lambda t, start, n: struct.pack('hhqqi4x', t, 0, start, n, 0)
deadlock = 'EDEADLK', 'EDEADLOCK'  # two names of one number

def lock(fd, cmd, t, start=0, n=0):
    try:
        fcntl.fcntl(fd, cmd, pack(t, start, n))
    except OSError as e:
        return errno.errorcode[e.errno]
    return 'ok'

def flock(fd, op):
    try:
        fcntl.flock(fd, op)
    except OSError as e:
        return errno.errorcode[e.errno]
    return 'ok'

def op(mode=os.O_RDWR):
    return os.open('g', mode)

def fork(f, *a):
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        r = f(*a)
        sys.stdout.flush()
        os._exit(r or 0)
    return pid

def end(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

class Gate:
    """Another process says that it has come so far."""
    def __init__(self):
        self.r, self.w = os.pipe()
    def open(self):
        os.write(self.w, b'x')
    def wait(self):
        os.read(self.r, 1)

def map_of(n=12):
    """Byte by byte what another process would meet: . free, r shared, w."""
    def ask():
        fd = op()
        out = ''
        for i in range(n):
            r = fcntl.fcntl(fd, GETLK, pack(WR, i, 1))
            t = struct.unpack('hhqqi4x', r)[0]
            out += {UN: '.', RD: 'r', WR: 'w'}[t]
        print('  map', out)
    end(fork(ask))

def ranges():
    """The locks as another process is told of them, with their extents."""
    def ask():
        fd, start = op(), 0
        while True:
            r = fcntl.fcntl(fd, GETLK, pack(WR, start, 0))
            t, w, s, n, pid = struct.unpack('hhqqi4x', r)
            if t == UN:
                break
            print('  range', t, max(s, start), n - (max(s, start) - s), pid == os.getppid())
            start = s + n
            if not n:
                break
    end(fork(ask))

print('splitting and merging')
fd = op()
for step in ((WR, 0, 3), (WR, 3, 3), (RD, 6, 3), (RD, 2, 2), (UN, 4, 1),
             (WR, 4, 1), (RD, 0, 9), (UN, 1, 1), (UN, 7, 1), (WR, 3, 2),
             (RD, 1, 1), (UN, 0, 12)):
    print(step, lock(fd, SETLK, *step))
    map_of()
for i in range(0, 10, 2):
    lock(fd, SETLK, WR, i, 1)
ranges()
lock(fd, SETLK, WR, 1, 7)
ranges()
lock(fd, SETLK, WR, 50)
lock(fd, SETLK, UN, 60, 5)
ranges()
lock(fd, SETLK, UN)
ranges()

print('release by close')
for how in 'close', 'dup2', 'dup', 'other', 'range':
    fd, other = op(), op(os.O_RDONLY)
    lock(fd, SETLK, WR, 0, 5)
    if how == 'close':
        os.close(fd)
    elif how == 'dup2':
        null = os.open('/dev/null', os.O_RDONLY)
        os.dup2(null, fd)
        os.close(null)
    elif how == 'dup':
        os.close(os.dup(fd))
    elif how == 'other':
        os.close(other)
        other = -1
    else:
        os.closerange(fd, fd + 1)
    print(how)
    map_of(6)
    for x in fd, other:
        try:
            os.close(x)
        except OSError:
            pass

print('release by exec')
py = os.environ['PY']
ask = ('import fcntl, os, struct, sys\n'
       'sys.stdout.flush()\n'
       'if not os.fork():\n'
       '  fd = os.open("g", os.O_RDWR)\n'
       '  r = fcntl.fcntl(fd, fcntl.F_GETLK, struct.pack("hhqqi4x", 1, 0, 0, 0, 0))\n'
       '  t, w, s, n, pid = struct.unpack("hhqqi4x", r)\n'
       '  print("  free" if t == 2 else ("  held", s, n, pid == os.getppid()), flush=True)\n'
       '  os._exit(0)\n'
       'os.wait()\n')
def execs(keep, close_first, second):
    os.closerange(3, 99)
    fd = op()
    if second:
        op()  # exec closes it
    lock(fd, SETLK, WR, 3, 4)
    os.set_inheritable(fd, keep)
    first = f'import os; os.close({fd})\n' if close_first else ''
    os.execv(py, [py, '-c', first + ask])
for case in (True, False, False), (False, False, False), (True, True, False), (True, False, True):
    print(*case)
    end(fork(execs, *case))

print('dead owners, at once')
def die(take, how):
    take(op())
    if how == 'kill':
        os.kill(os.getpid(), signal.SIGKILL)
takes = {'posix': lambda fd: lock(fd, SETLK, WR), 'ofd': lambda fd: lock(fd, OFD_SETLK, WR),
         'flock': lambda fd: flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)}
for name, take in takes.items():
    bad = 0
    for i in range(40):
        end(fork(die, take, 'kill' if i % 2 else 'exit'))
        fd = op()
        bad += take(fd) != 'ok'
        os.close(fd)
    print(name, bad)

print('no common parent')
def stranger(take, gate, go):
    if os.fork():
        return 0
    os.setsid()
    while os.getppid() == parent_of_stranger:
        time.sleep(0.001)
    take(op())
    gate.open()
    go.wait()
    os._exit(0)
for name, take in takes.items():
    gate, go = Gate(), Gate()
    pid = os.fork()
    if not pid:
        parent_of_stranger = os.getpid()
        stranger(take, gate, go)
        os._exit(0)
    end(pid)
    gate.wait()
    fd = op()
    print(name, take(fd))
    go.open()
    signal.alarm(20)
    print(lock(fd, SETLKW, WR), lock(fd, SETLK, UN), flock(fd, fcntl.LOCK_EX))
    signal.alarm(0)
    os.close(fd)

print('a waiter that is killed gets nothing')
waits = {'posix': lambda fd: lock(fd, SETLKW, WR), 'ofd': lambda fd: lock(fd, OFD_SETLKW, WR),
         'flock': lambda fd: flock(fd, fcntl.LOCK_EX)}
def waits_now(pid):
    """Until it sleeps in its call; the daemon has it then, or soon."""
    for _ in range(1000):
        if open(f'/proc/{pid}/stat').read().rsplit(')')[1].split()[0] == 'S':
            break
        time.sleep(0.002)
    time.sleep(0.05)
for name in takes:
    fd = op()
    takes[name](fd)
    pid = fork(lambda: waits[name](op()) and 0)
    waits_now(pid)
    os.kill(pid, signal.SIGKILL)
    print(name, end(pid))
    os.close(fd)
    fd = op()
    print(takes[name](fd))
    os.close(fd)

print('signals end a wait')
class Alarm(Exception):
    pass
def on_alarm(*a):
    signal.setitimer(signal.ITIMER_REAL, 0)
    raise Alarm
gate = Gate()
def holder():
    fd = op()
    lock(fd, SETLK, WR, 0, 1), flock(fd, fcntl.LOCK_EX)
    gate.open()
    time.sleep(100)
pid = fork(holder)
gate.wait()
signal.signal(signal.SIGALRM, on_alarm)
fd = op()
for name in waits:
    signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)  # the first may be too early
    try:
        print('?', name, waits[name](fd))
    except Alarm:
        print(name, 'interrupted')
os.kill(pid, signal.SIGKILL)
end(pid)
# and leave nothing behind: the next one gets it, and so may others
print([takes[name](fd) for name in ('posix', 'flock')], lock(fd, SETLK, UN))
os.close(fd)

print('but not one that nobody hears, or whose handler lets calls go on')
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def heard(sig, frame):
    signal.signal(sig, signal.SIG_IGN)
    raise Alarm
for sig, action in (signal.SIGCHLD, signal.SIG_DFL), (signal.SIGUSR1, signal.SIG_IGN), (signal.SIGUSR2, heard), (signal.SIGALRM, heard):
    signal.signal(sig, action)
    if sig == signal.SIGUSR2:
        signal.siginterrupt(sig, False)
    gate = Gate()
    pid = fork(holder)
    gate.wait()
    me = os.getpid()
    def pester():
        time.sleep(0.1)
        os.kill(me, sig)
        while sig == signal.SIGALRM:  # until one comes in the call
            time.sleep(0.1)
            os.kill(me, sig)
        time.sleep(0.2)
        os.kill(pid, signal.SIGKILL)
    fd = op()
    print(sig.name, end=' ')
    sys.stdout.flush()
    signal.pthread_sigmask(signal.SIG_BLOCK, [sig])
    other = fork(pester)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [sig])
        r = libc.flock(fd, fcntl.LOCK_EX)
        print(r, ctypes.get_errno() if r else 0, end=' ')
        time.sleep(0)
        print()
    except Alarm:
        print('heard')
    if sig == signal.SIGALRM:
        os.kill(other, signal.SIGKILL), os.kill(pid, signal.SIGKILL)
    os.close(fd)
    while True:
        try:
            end(pid), end(other)
            break
        except ChildProcessError:
            break
    signal.signal(sig, signal.SIG_DFL)
signal.signal(signal.SIGALRM, on_alarm)

print('deadlocks')
def circle(n, read_only):
    """n processes, each holds a byte and waits for the next one's."""
    gates = [Gate() for _ in range(n)]
    go = Gate()
    def one(i):
        fd = op(os.O_RDONLY if read_only and i == 0 else os.O_RDWR)
        t = RD if read_only and i == 0 else WR
        lock(fd, SETLK, t, i, 1)
        gates[i].open()
        go.wait()
        r = lock(fd, SETLKW, t, (i + 1) % n, 1)
        return 1 if r in deadlock else 0 if r == 'ok' else 9
    signal.alarm(20)
    pids = [fork(one, i) for i in range(n)]
    for g in gates:
        g.wait()
    for _ in pids:
        go.open()
    told = [end(p) for p in pids]
    signal.alarm(0)
    print(n, read_only, sum(told))
for n in 2, 3, 7:
    circle(n, False), circle(n, True)
def circle_of_files(n):
    """The same, each with a file of its own: they may lie on several daemons."""
    gates = [Gate() for _ in range(n)]
    go = Gate()
    for i in range(n):
        open(f'g{i}', 'w').close()
    def one(i):
        mine, next_one = (os.open(f'g{k % n}', os.O_RDWR) for k in (i, i + 1))
        lock(mine, SETLK, WR)
        gates[i].open()
        go.wait()
        r = lock(next_one, SETLKW, WR)
        return 1 if r in deadlock else 0 if r == 'ok' else 9
    signal.alarm(20)
    pids = [fork(one, i) for i in range(n)]
    for g in gates:
        g.wait()
    for _ in pids:
        go.open()
    told = [end(p) for p in pids]
    signal.alarm(0)
    print('files', n, sum(told))
    for i in range(n):
        os.unlink(f'g{i}')
for n in 2, 3, 7:
    circle_of_files(n)
def upgrade():
    """Two who share want it alone."""
    gates, go = [Gate(), Gate()], Gate()
    def one(i):
        fd = op()
        lock(fd, SETLK, RD, 0, 1)
        gates[i].open()
        go.wait()
        r = lock(fd, SETLKW, WR, 0, 1)
        return 1 if r in deadlock else 0 if r == 'ok' else 9
    pids = [fork(one, i) for i in range(2)]
    for g in gates:
        g.wait()
    go.open(), go.open()
    print('upgrade', sum(end(p) for p in pids))
upgrade()

print('one lock, whatever the descriptor is open for')
r, w = op(os.O_RDONLY), op()
print(flock(r, fcntl.LOCK_EX), flock(w, fcntl.LOCK_SH | fcntl.LOCK_NB), flock(r, fcntl.LOCK_UN))
print(flock(w, fcntl.LOCK_EX), flock(r, fcntl.LOCK_EX | fcntl.LOCK_NB), flock(w, fcntl.LOCK_UN))
print(lock(r, OFD_SETLK, RD, 0, 5), lock(w, OFD_SETLK, WR, 4, 1), lock(w, OFD_SETLK, WR, 5, 1))
print(lock(r, OFD_SETLK, RD, 5, 1), lock(r, OFD_SETLK, UN), lock(w, OFD_SETLK, UN))
lock(r, SETLK, RD, 0, 3)
end(fork(lambda: print('  child', lock(op(), SETLK, WR, 2, 1), lock(op(), SETLK, WR, 3, 1), lock(op(os.O_RDONLY), SETLK, RD, 0, 9))))
def read_holder(gate):
    lock(op(os.O_RDONLY), SETLK, RD, 20, 1)
    gate.open()
    time.sleep(0.1)
gate = Gate()
pid = fork(read_holder, gate)
gate.wait()
signal.alarm(20)
print('waited', lock(w, SETLKW, WR, 20, 1))
signal.alarm(0)
end(pid)
os.close(r), os.close(w)

print('lockf')
fd = op()
def lf(*a):
    try:
        os.lseek(fd, 10, os.SEEK_SET)
        os.lockf(fd, *a)
    except OSError as e:
        return errno.errorcode[e.errno]
    return 'ok'
print(lf(os.F_LOCK, 5), lf(os.F_TEST, 5))
def tests():
    global fd
    fd = op()
    print('  child', lf(os.F_TEST, 5), lf(os.F_TLOCK, 1), lf(os.F_TEST, -5), lf(os.F_TLOCK, -5))
end(fork(tests))
print(lf(os.F_ULOCK, 0))
end(fork(tests))
d = os.open('.', os.O_RDONLY)
print('directory', lock(d, SETLK, RD), lock(d, SETLK, WR), lock(os.open('g', os.O_PATH), SETLK, RD))
# an O_PATH descriptor does not decide whose locks the others have
os.mknod('only-a-path')
by_path = os.open('only-a-path', os.O_PATH)
fd2 = os.open('only-a-path', os.O_RDWR)
print('beside O_PATH', lock(fd2, SETLK, WR), fcntl.flock(fd2, fcntl.LOCK_EX | fcntl.LOCK_NB))
