# Run by special.sh.
import array, os, socket, stat
os.chdir(os.environ['D'])
D = os.environ['D']
for kind in socket.SOCK_STREAM, socket.SOCK_SEQPACKET:
    s = socket.socket(socket.AF_UNIX, kind)
    path = f'{D}/sock{kind}'
    s.bind(path)
    s.listen(5)
    print(stat.filemode(os.stat(path).st_mode), s.getsockname() == path)
    if not os.fork():
        os.chdir('/')
        c = socket.socket(socket.AF_UNIX, kind)
        c.connect(path)
        print(c.recv(10), c.getpeername() == path)
        f = os.open(f'{D}/passed', os.O_RDWR | os.O_CREAT)
        os.write(f, b'by descriptor')
        socket.send_fds(c, [b'fd'], [f])
        os._exit(0)
    c, _ = s.accept()
    c.send(b'hello')
    msg, fds, _, _ = socket.recv_fds(c, 10, 5)
    os.wait()
    print(msg, os.pread(fds[0], 99, 0), os.lseek(fds[0], 0, os.SEEK_CUR), os.fstat(fds[0]).st_ino == os.stat('passed').st_ino)
    os.ftruncate(fds[0], 5)
    print(os.stat('passed').st_size)
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('relative')
c = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
c.bind(f'{D}/client')
c.sendto(b'datagram', f'{D}/relative')
msg, peer = s.recvfrom(20)
print(msg, peer == f'{D}/client')
s.sendto(b'back', peer)
print(c.recv(10))
os.rename('relative', 'renamed')
c.connect('renamed')
c.send(b'again')
print(s.recv(10))
for f in (lambda: socket.socket(socket.AF_UNIX).bind('renamed'), lambda: socket.socket(socket.AF_UNIX).connect('none'),
          lambda: socket.socket(socket.AF_UNIX).connect('passed'), lambda: socket.socket(socket.AF_UNIX).bind('none/x'),
          lambda: os.open('renamed', os.O_RDWR), lambda: socket.socket(socket.AF_UNIX).connect('renamed')):
    try:
        f()
        print('?')
    except OSError as e:
        print(e.strerror)
s.close()
try:
    c.send(b'x')
except OSError as e:
    print(e.strerror)
os.unlink('renamed')
