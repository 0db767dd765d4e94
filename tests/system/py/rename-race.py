# Run by rename-race.sh.
import ctypes, os, sys, time
os.chdir(os.environ['D'])
libc = ctypes.CDLL(None, use_errno=True)

def write(name, n):
    with open(name, 'w') as f:
        f.write(f'{n}\n' * 1000)

def reader(end):
    last = -1
    while last < 1 or time.monotonic() < end:
        with open('target') as f:  # must exist at every moment
            lines = f.read().split()
        if len(lines) != 1000 or len(set(lines)) != 1:
            sys.exit(f'mixed or short: {len(lines)} lines, {set(lines)}')
        if int(lines[0]) < last:
            sys.exit(f'an old file came back: {lines[0]} after {last}')
        last = int(lines[0])
        os.stat('target')
        if {os.stat('x').st_size, os.stat('y').st_size} - {1000, 2000}:
            sys.exit('exchange: a wrong file')
    os._exit(0 if last > 0 else 1)

write('target', 0)
open('x', 'w').write('x' * 1000)
open('y', 'w').write('y' * 2000)
end = time.monotonic() + 1.2
pids = []
for i in range(3):
    pid = os.fork()
    if not pid:
        reader(end)
    pids.append(pid)
n = 0
while n < 10 or time.monotonic() < end:
    n += 1
    write('new', n)
    os.rename('new', 'target')
    if libc.renameat2(-100, b'x', -100, b'y', 2):  # RENAME_EXCHANGE
        sys.exit('exchange: ' + os.strerror(ctypes.get_errno()))
if any(os.waitpid(p, 0)[1] for p in pids):
    sys.exit('a reader failed')
if n < 10:
    sys.exit(f'only {n} renames')
