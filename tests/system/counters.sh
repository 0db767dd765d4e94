#!/bin/sh
# What clients count of data that the daemon does not see: each call once, also
# those that the kernel does between two descriptors, and across fork.
. "${0%/*}/lib.sh"
requires "$PY"
[ "${BENCHFS_TRANSPORT:-}" != ucx ] || skip "nothing is passed through"
[ -z "$far" ] || skip "not all files are passed through"

cat >"$T/count.py" <<'END'
import json, os, subprocess, sys
os.chdir(sys.argv[1])
foreign = sys.argv[2]
names = [f'client_pass_{x}' for x in ('reads', 'read_bytes', 'writes', 'write_bytes')]

def counts():
    s = json.loads(subprocess.check_output(['benchfs', 'status', '--json']))
    return [s[n] for n in names]

def check(what, f, *want):
    """f, in a process that reports when it ends."""
    before = counts()
    pid = os.fork()
    if not pid:
        f()
        sys.exit()
    if os.waitpid(pid, 0)[1]:
        sys.exit(f'{what} failed')
    got = [b - a for a, b in zip(before, counts())]
    if got != list(want):
        sys.exit(f'{what}: {dict(zip(names, got))}, expected {want}')

a = os.open('a', os.O_RDWR | os.O_CREAT)
b = os.open('b', os.O_RDWR | os.O_CREAT)
f = os.open(foreign, os.O_RDWR | os.O_CREAT)
r, w = os.pipe()
os.write(a, b'x' * 3000), os.write(f, b'y' * 3000)
check('nothing', lambda: None, 0, 0, 0, 0)
check('read', lambda: os.pread(a, 100, 0), 1, 100, 0, 0)
check('write', lambda: os.pwrite(a, b'z' * 50, 0), 0, 0, 1, 50)
check('copy_file_range in', lambda: os.copy_file_range(f, a, 1000, 0, 0), 0, 0, 1, 1000)
check('copy_file_range out', lambda: os.copy_file_range(a, f, 900, 0, 0), 1, 900, 0, 0)
check('copy_file_range within', lambda: os.copy_file_range(a, b, 800, 0, 0), 1, 800, 1, 800)
check('sendfile in', lambda: os.sendfile(a, f, 0, 700), 0, 0, 1, 700)
check('sendfile out', lambda: os.sendfile(f, a, 0, 600), 1, 600, 0, 0)
check('splice out', lambda: os.splice(a, w, 500, 0), 1, 500, 0, 0)
check('splice in', lambda: os.splice(r, b, 500, None, 0), 0, 0, 1, 500)
check('foreign', lambda: os.sendfile(w, f, 0, 10), 0, 0, 0, 0)

def forked():
    """The parent's are counted once, the child's too."""
    os.pread(a, 10, 0)
    if not os.fork():
        os.pread(a, 20, 0)
        sys.exit()
    os.wait()
    os.pread(a, 30, 0)
check('fork', forked, 3, 60, 0, 0)
END
bfs "$PY" "$T/count.py" "$mnt" "$T/foreign" || fail "$?"
