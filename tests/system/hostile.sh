#!/bin/sh
# F3: any bytes on the daemon's socket leave it alive and the data whole.
. "${0%/*}/lib.sh"
requires "$PY"

cat >"$T/hostile.py" <<'END'
import os, random, socket, struct, sys, time
random.seed(int(os.environ.get('SEED', '1')))
D, run = sys.argv[1], os.environ['BENCHFS_RUN_DIR']
daemon = int(open(f'{run}/pid').read())
open(f'{D}/kept', 'w').write('kept')

def connect():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(0.02)
    s.connect(f'{run}/sock')
    return s

def send(s, data, fds=()):
    try:
        socket.send_fds(s, [data], fds)
    except OSError:
        return
    try:
        s.recv(100_000)
    except OSError:
        pass

for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
    try:
        socket.socket(socket.AF_UNIX, kind).connect(f'{run}/sock')
    except OSError:
        pass
null = os.open('/dev/zero', os.O_RDWR)
mem = os.memfd_create('m')
open_ones = []
for i in range(120):
    s = connect()
    for j in range(random.randrange(1, 4)):
        kind = random.randrange(5)
        if kind == 0:
            send(s, random.randbytes(random.randrange(1, 300)))
        elif kind == 1:  # like a header: small numbers
            send(s, b''.join(struct.pack('<I', random.choice([0, 1, 2, 3, 40, 255, 65536, 2**31, 2**32 - 1]))
                             for _ in range(random.randrange(1, 20))))
        elif kind == 2:
            send(s, random.randbytes(8), [null, mem] * random.randrange(1, 10))
        elif kind == 3:
            send(s, bytes(random.choice([1, 4096, 60_000, 150_000])))
        else:
            send(s, b'\xff' * random.randrange(1, 200))
    if i % 3:
        s.close()
    else:
        open_ones.append(s)
if open(f'{D}/kept').read() != 'kept':
    sys.exit('data was damaged')
os.rename(f'{D}/kept', f'{D}/moved')
os.kill(daemon, 0)
for s in open_ones:
    s.close()
for i in range(300):
    time.sleep(0.1)
    left = len(os.listdir(f'/proc/{daemon}/fd'))
    if left <= 100:
        break
if left > 100:
    sys.exit(f'the daemon leaks descriptors: {left}')
# and more connections than it takes
many = []
try:
    for i in range(400):
        many.append(connect())
except OSError:
    pass
for s in many:
    s.close()
time.sleep(0.1)
if os.listdir(D) != ['moved']:
    sys.exit('wrong entries')
END
bfs "$PY" "$T/hostile.py" "$mnt" || fail "status $?"
