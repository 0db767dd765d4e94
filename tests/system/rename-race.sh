#!/bin/sh
# S4: while a name is replaced by rename, it is the old file or the new one.
. "${0%/*}/lib.sh"
requires "$PY"

cat >"$T/replace.py" <<'END'
import ctypes, os, sys, time
os.chdir(os.environ['D'])
libc = ctypes.CDLL(None, use_errno=True)

def write(name, n):
    with open(name, 'w') as f:
        f.write(f'{n}\n' * 1000)

def reader(end):
    last = -1
    while time.monotonic() < end:
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
while time.monotonic() < end:
    n += 1
    write('new', n)
    os.rename('new', 'target')
    if libc.renameat2(-100, b'x', -100, b'y', 2):  # RENAME_EXCHANGE
        sys.exit('exchange: ' + os.strerror(ctypes.get_errno()))
if any(os.waitpid(p, 0)[1] for p in pids):
    sys.exit('a reader failed')
if n < 10:
    sys.exit(f'only {n} renames')
END
inside '"$PY" "$T/replace.py"; want "$(ls "$D" | tr "\n" " ")" "target x y "'

# renameat2 by the book
cat >"$T/rename2.py" <<'END'
import ctypes, errno, os
os.chdir(os.environ['D'])
libc = ctypes.CDLL(None, use_errno=True)

def r(a, b, flags):
    rc = libc.renameat2(-100, a.encode(), -100, b.encode(), flags)
    print(a, b, flags, errno.errorcode[ctypes.get_errno()] if rc else 'ok')

open('f', 'w').write('f')
open('g', 'w').write('g')
os.makedirs('d/e')
r('f', 'g', 1), r('f', 'new', 1), r('new', 'none', 2), r('new', 'g', 2)
r('d', 'g', 2), r('g', 'g/e/x', 2), r('g', 'g/e', 2), r('f', 'x', 3), r('new', 'x', 1 << 20)
r('d', 'd', 1), r('d', 'd', 2), r('none', 'd', 1), r('', 'd', 0), r('d', '', 0)
r('d', 'd/', 0), r('d/', 'slash/', 0), r('g/.', 'dot', 0), r('g', '..', 0), r('g', 'g/..', 0)
os.link('new', 'hard')
r('new', 'hard', 0)  # two names of one file: both stay
print(sorted(os.listdir('.')))
END
both '"$PY" "$T/rename2.py"'
