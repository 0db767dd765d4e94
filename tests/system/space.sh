#!/bin/sh
# D4: disk full is ENOSPC for the call that hits it, what was written stays, and
# when space returns the daemon goes on.
. "${0%/*}/lib.sh"
requires "$PY"

# a data directory on a small tmpfs
if unshare -m true 2>/dev/null; then
	mkdir "$T/small"
	unshare -m sh -euc 'mount -t tmpfs -o size=12m none "$T/small"; shift
		exec timeout 60 "$@"' x x "$builddir/run" benchfs run \
		-m "$mnt" -d "$T/small/data" -- \
		"$PY" "$py/space.py" "$mnt" 20000000 || fail "small disk: $?"
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
