#!/bin/sh
# storage.backend=null: names, sizes and attributes as ever, no data files, and
# zeros.  What it cannot do says so, and it is not to be had by accident.
. "${0%/*}/lib.sh"
requires "$PY"
[ "$daemons" = 1 ] || skip "for one daemon"

cat >"$T/null.py" <<'END'
import errno, fcntl, mmap, os, resource, signal, subprocess, sys
top, data = sys.argv[1:3]
os.chdir(top)

def check(what, ok):
    if not ok:
        sys.exit(f'{what}: not so')

def fails(what, *args):
    try:
        what(*args)
    except OSError as e:
        return e.errno
    return 0

def size(name='f'):
    return os.stat(name).st_size

f = os.open('f', os.O_RDWR | os.O_CREAT, 0o640)
check('an empty file', size() == 0 and os.pread(f, 10, 0) == b'')
check('written', os.pwrite(f, b'x' * 3000000, 0) == 3000000 and size() == 3000000)
check('zeros', os.pread(f, 3000001, 0) == bytes(3000000) and os.pread(f, 9, 2999995) == bytes(5))
check('within', os.pwrite(f, b'x', 5) == 1 and size() == 3000000)
check('beyond', os.pwrite(f, b'x', 4000000) == 1 and size() == 4000001)
os.ftruncate(f, 100)
a = os.open('f', os.O_WRONLY | os.O_APPEND)
check('appended', os.write(a, b'abc') == 3 and size() == 103)
check('not for reading', fails(os.read, a, 1) == errno.EBADF)
os.truncate('f', 5000)
check('truncated', size() == 5000 and os.fstat(f).st_size == 5000)
check('cut by an open', os.close(os.open('f', os.O_WRONLY | os.O_TRUNC)) is None and size() == 0)
os.pwrite(f, b'abc', 0)
os.fsync(f)
os.chmod('f', 0o604)
os.utime('f', ns=(123456789, 987654321))
st = os.stat('f')
check(f'attributes {st}', (st.st_mode & 0o7777, st.st_atime_ns, st.st_mtime_ns) == (0o604, 123456789, 987654321))
quiet = os.open('f', os.O_RDONLY | os.O_NOATIME)
check('read quietly', os.read(quiet, 9) == bytes(3) and os.stat('f').st_atime_ns == 123456789)
check('read', os.pread(f, 9, 0) == bytes(3) and os.stat('f').st_atime_ns > 123456789)
os.pwrite(f, b'more', 0)
check('a write changes the time', os.stat('f').st_mtime_ns > 987654321)
os.link('f', 'g')
os.rename('g', 'h')
os.unlink('f')
check('other names', os.listdir() == ['h'] and os.stat('h').st_nlink == 1 and size('h') == 4)
check('data ends', os.lseek(f, 0, os.SEEK_HOLE) == 4 and fails(os.lseek, f, 4, os.SEEK_DATA) == errno.ENXIO)
check('space cannot be had', fails(os.posix_fallocate, f, 0, 10) == errno.EOPNOTSUPP)
check('nor a mapping', fails(mmap.mmap, f, 4) == errno.ENODEV)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
check('the limit', os.pwrite(f, b'x' * 30, 990) == 10 and fails(os.pwrite, f, b'x', 1000) == errno.EFBIG)
check('locks', fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB) is None)
os.unlink('h')
check('unlinked', os.fstat(f).st_nlink == 0 and os.pread(f, 9, 0) == bytes(9))
with open('mode', 'w') as s:
    s.write('#!/bin/sh\n')
plain = {k: v for k, v in os.environ.items() if k != 'LD_PRELOAD'}
found = subprocess.check_output(['find', data + '/data', '-type', 'f'], env=plain)
check(f'no data files, but {found}', found == b'')
END
run_options="$run_options -d $T/data -o metadata.journal=none -o storage.backend=null"
bfs "$PY" "$T/null.py" "$mnt" "$T/data" || fail "$?"
for refused in metadata.journal=lmdb storage.checksum=true; do
	rc=0
	"$builddir/run" benchfs run -m "$mnt" -d "$T/other" -o metadata.journal=none -o "$refused" \
		-o storage.backend=null -- true 2>"$T/err" || rc=$?
	[ $rc != 0 ] || fail "it runs with $refused"
	grep -q "storage.backend=null is not for .*${refused%=*}" "$T/err" || fail "$refused: $(cat "$T/err")"
done
