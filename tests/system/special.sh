#!/bin/sh
# fifos and AF_UNIX sockets between processes; device entries.
. "${0%/*}/lib.sh"
requires "$PY"

both '
cd "$D"; mkfifo -m 640 p; (echo through >p) & cat p; wait
(cat p >got) & { echo 1; echo 2; } >p; wait; cat got
(sleep 0.1; echo late >"$D/p") & read -r x <p; echo "$x"; wait; exec 3<>p; echo both >&3; read -r x <&3; echo "$x"; exec 3>&-
(cd /; cat "$D/p" | tr a-z A-Z) & seq 20000 | md5sum >p; wait; mv p q; ln q r; (echo renamed >r) & cat q; wait; [ -p q ] && echo fifo
timeout 0.2 cat q || echo "waited $?"; mkfifo q 2>&1 || echo $?; stat -c "%F %a %s" q; dd if=q iflag=nonblock status=none; rm q
'
cat >"$T/sock.py" <<'END'
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
print(s.recvfrom(20)[0], s.recvfrom if False else '')
s.sendto(b'back', 'client')
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
END
both '"$PY" -u "$T/sock.py" | sort'
requires_root
mknod "$T/null" c 1 3 2>/dev/null || skip "may not make devices"
inside '
cd "$D"; mknod c c 1 3; mknod -m 600 b b 7 5; want "$(stat -c "%F %t %T %a" b)" "block special file 7 5 600"
want "$(stat -c "%F %t %T" c)" "character special file 1 3"; mv c d; ln d e; want "$(stat -c %h d)" 2
want "$(ls -l d | cut -c1)" c; (: <d) 2>/dev/null && exit 1; cp -a d b "$W/"; want "$(stat -c "%F %t %T" "$W/d")" "character special file 1 3"
cp -a "$W/b" again; want "$(stat -c "%F %t" again)" "block special file 7"; rm b d e again
'
