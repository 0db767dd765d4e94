# Run by offsets.sh.
import fcntl, os, subprocess, sys
os.chdir(os.environ['D'])
pos = lambda fd: os.lseek(fd, 0, os.SEEK_CUR)
open('f', 'w').write(''.join(f'{i:04}\n' for i in range(1000)))
a = os.open('f', os.O_RDWR)
b = os.dup(a)
c = os.open('f', os.O_RDWR)
d = fcntl.fcntl(a, fcntl.F_DUPFD, 50)
os.read(a, 5)
print(pos(a), pos(b), pos(c), pos(d), d >= 50)
os.lseek(d, 500, os.SEEK_SET)
print(os.read(b, 5), pos(a), os.pread(a, 5, 0), pos(a))

def in_child(f):
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        f()
        sys.stdout.flush()
        os._exit(0)
    return os.waitpid(pid, 0)[1]

print(in_child(lambda: print(os.read(a, 5))), os.read(b, 5), pos(d))
os.set_inheritable(a, True)
sub = lambda code: subprocess.run([sys.executable, '-c', code], pass_fds=[a])
sub(f'import os; print(os.read({a}, 5), os.lseek({a}, 100, 0))')
print(pos(b), os.read(b, 5))
# flags
fl = lambda fd: fcntl.fcntl(fd, fcntl.F_GETFL) & (os.O_APPEND | os.O_NONBLOCK | os.O_ACCMODE)
print(fl(a), fl(b), fl(c))
fcntl.fcntl(b, fcntl.F_SETFL, os.O_APPEND)
print(fl(a) == os.O_APPEND | os.O_RDWR, fl(c))
os.lseek(a, 0, os.SEEK_SET)
os.write(a, b'tail\n')
print(os.stat('f').st_size, pos(b), pos(c))
in_child(lambda: fcntl.fcntl(a, fcntl.F_SETFL, 0))
print(fl(b))
sub(f'import fcntl, os; fcntl.fcntl({a}, fcntl.F_SETFL, os.O_APPEND | os.O_NONBLOCK)')
print(fl(a) == os.O_APPEND | os.O_NONBLOCK | os.O_RDWR)
# close-on-exec belongs to the number
print(os.get_inheritable(a), os.get_inheritable(b), os.get_inheritable(os.dup2(c, 77)))
print(subprocess.run(['sh', '-c', f'exec 2>/dev/null; cat <&{c} >/dev/null || echo closed'], close_fds=False).returncode)
os.close(a)
print(pos(b))
try:
    os.read(a, 1)
except OSError as e:
    print(e.strerror)
os.dup2(c, b)
print(pos(b) == pos(c), fl(b))
w = os.open('f', os.O_WRONLY)
for fd, f in (w, lambda: os.read(w, 1)), (c, lambda: os.lseek(c, -1, os.SEEK_SET)), (c, lambda: os.pread(c, 1, -1)):
    try:
        f()
        print('?')
    except OSError as e:
        print(e.strerror)
# directories have an offset too
print(os.path.samestat(os.fstat(w), os.stat('f')), os.listdir(os.open('.', os.O_RDONLY)))
