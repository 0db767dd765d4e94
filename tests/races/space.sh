#!/bin/sh
# Defects of a comparable file system: unlink left data behind.  Here the
# space of the data directories comes back, in whatever way a file goes.
# BENCHFS_TEST_DATA names them, if BenchFS runs already.
. "${0%/*}/races.sh"
requires "$PY" du

run_options="$run_options -d $T/data"
cat >"$T/space.py" <<'END'
import os, signal, subprocess, sys, time
where, data = sys.argv[1], sys.argv[2:]
os.chdir(where)
MIB = 1 << 20

def used():
    out = subprocess.run(['du', '-skc'] + data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return int(out.stdout.split()[-2]) * 1024

def comes_back(what):
    end = time.monotonic() + 40
    while used() > base + MIB:
        if time.monotonic() > end:
            sys.exit(f'{what}: {used() - base} bytes are left')
        time.sleep(0.05)

def fill():
    for i in range(16):
        with open(f'f{i}', 'wb') as f:
            f.write(b'%02d' % i * MIB)
    if used() < base + 30 * MIB:
        sys.exit(f'32 MiB were written, and {used() - base} bytes are used')

def each(f):
    for i in range(16):
        f(f'f{i}')

base = used()
fill()
each(os.unlink)
comes_back('unlink')
fill()
each(lambda n: os.truncate(n, 0))
comes_back('truncate')
fill()
each(lambda n: open(n, 'w').close())
comes_back('O_TRUNC')
fill()
for i in range(16):
    open('small', 'w').close()
    os.rename('small', f'f{i}')
comes_back('rename over it')
fill()
fds = [os.open(f'f{i}', os.O_RDONLY) for i in range(16)]
each(os.unlink)
assert os.pread(fds[3], 2, MIB) == b'03' and used() > base + 30 * MIB
for fd in fds:
    os.close(fd)
comes_back('close of what was unlinked')
fill()
each(lambda n: os.link(n, n + '.l'))
each(os.unlink)
assert used() > base + 30 * MIB
each(lambda n: os.unlink(n + '.l'))
comes_back('unlink of the last link')
fill()
r, w = os.pipe()
pid = os.fork()
if not pid:
    fds = [os.open(f'f{i}', os.O_RDWR) for i in range(16)]
    os.write(w, b'x')
    signal.pause()
os.read(r, 1)
each(os.unlink)
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
comes_back('death of the last process')
END
# words are wanted
# shellcheck disable=SC2086
crew "$PY" "$T/space.py" "$dir" ${BENCHFS_TEST_DATA:-$T/data}
