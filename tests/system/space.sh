#!/bin/sh
# D4: disk full and the limit on space are ENOSPC for the call that hits it,
# what was written stays, and when space returns the daemon goes on.
. "${0%/*}/lib.sh"
requires "$PY"

cat >"$T/full.py" <<'END'
import errno, os, sys
os.chdir(sys.argv[1])
open('kept', 'w').write('k' * 100_000)
block = os.urandom(1 << 20)

def fill(name):
    fd = os.open(name, os.O_WRONLY | os.O_CREAT)
    n = 0
    try:
        while n < int(sys.argv[2]):
            n += os.write(fd, block)
        sys.exit(f'no limit after {n} bytes')
    except OSError as e:
        assert e.errno == errno.ENOSPC, e
    assert os.fstat(fd).st_size == n, (os.fstat(fd).st_size, n)
    with open(name, 'rb') as f:
        left = n
        while left:
            data = f.read(min(left, 1 << 20))
            assert data == block[:len(data)] and data
            left -= len(data)
    os.close(fd)
    return n

n = fill('a')
assert open('kept').read() == 'k' * 100_000
try:
    for i in range(100):  # small writes come to an end too
        with open('b', 'ab', buffering=0) as f:
            f.write(b'x' * 65536)
    sys.exit('no limit for small writes')
except OSError as e:
    assert e.errno == errno.ENOSPC, e
os.stat('a')
os.unlink('a')  # works on a full disk
os.unlink('b')
m = fill('c')
assert m > n * 0.8, (m, n)
os.truncate('c', 0)
open('d', 'w').write('d' * 500_000)
assert open('d').read() == 'd' * 500_000
assert sorted(os.listdir('.')) == ['c', 'd', 'kept']
END
export T
# a data directory on a small tmpfs
if unshare -m true 2>/dev/null; then
	mkdir "$T/small"
	unshare -m sh -euc 'mount -t tmpfs -o size=12m none "$T/small"; shift
		exec timeout 60 "$@"' x x "$builddir/run" benchfs run \
		-m "$mnt" -d "$T/small/data" -- \
		"$PY" "$T/full.py" "$mnt" 20000000 || fail "small disk: $?"
fi
# a file size limit of the process is EFBIG and SIGXFSZ, as anywhere
both 'cd "$D"; ulimit -f 100; "$PY" -c "
import errno, os, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
fd = os.open(\"f\", os.O_WRONLY | os.O_CREAT)
os.write(fd, bytes(50_000))
print(os.write(fd, bytes(50_000)))
try:
    os.write(fd, b\"x\" * 100)
    print(os.fstat(fd).st_size)
    os.pwrite(fd, b\"x\", 200_000)
except OSError as e:
    print(errno.errorcode[e.errno])
print(os.fstat(fd).st_size <= 102_400)
"; rm f'
