# Run by append.sh.
import os, sys
path = os.environ['D'] + '/log'
# the largest is 1 MiB with its head and newline
sizes = [10, 200, 5000, 70000, 33, (1 << 20) - 15, 4096]

def record(who, n):
    head = b'%d %d %d ' % (who, n, sizes[n % 7])
    return head + bytes([97 + who]) * sizes[n % 7] + b'\n'

def writer(who, fd):
    for n in range(14):
        r = record(who, n)
        if os.write(fd, r) != len(r):
            os._exit(1)
    os._exit(0)

os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
shared = os.open(path, os.O_WRONLY | os.O_APPEND)
pids = []
for who in range(8):
    pid = os.fork()
    if not pid:
        # half of them share one description, half have their own
        writer(who, shared if who % 2 else os.open(path, os.O_RDWR | os.O_APPEND))
    pids.append(pid)
if any(os.waitpid(p, 0)[1] for p in pids):
    sys.exit('a write was short')
data, at, found = open(path, 'rb').read(), 0, {}
while at < len(data):
    who, n, size = map(int, data[at:at + 40].split(b' ', 3)[:3])
    r = record(who, n)
    if data[at:at + len(r)] != r:
        sys.exit(f'torn at {at}: record {n} of {who}')
    if n != found.get(who, -1) + 1:
        sys.exit(f'record {n} of {who} is out of its order')
    found[who] = n
    at += len(r)
if found != {w: 13 for w in range(8)}:
    sys.exit(f'records are missing: {found}')
