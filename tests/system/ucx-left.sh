#!/bin/sh
# PITFALLS E7: what processes that are killed while they use UCX over shared
# memory leave in /dev/shm is removed by the daemon, at its start and behind
# deaths; what a living process has stays.
. "${0%/*}/lib.sh"
requires "$PY" unshare

if [ "${1:-}" != inside ]; then
	# an own /dev/shm, so that nobody else's is seen
	if unshare -m true 2>/dev/null; then
		unshare -m sh -c 'mount -t tmpfs none /dev/shm && exec sh "$@"' \
			sh "$0" inside
		exit
	fi
	skip "may not make a mount name space"
fi
daemons=1 # HACKING: several do not reach each other over shared memory
BENCHFS_TRANSPORT=ucx UCX_TLS=shm,tcp,self
export BENCHFS_TRANSPORT UCX_TLS
for name in 1 2 3; do
	head -c 100000 /dev/zero >/dev/shm/ucx_shm_posix_$name
	touch -d '1 hour ago' /dev/shm/ucx_shm_posix_$name
done
echo >/dev/shm/other
exec 8<>/dev/shm/ucx_shm_posix_2
"$PY" -c 'import mmap, os, sys, time
fd = os.open("/dev/shm/ucx_shm_posix_3", os.O_RDWR)
m = mmap.mmap(fd, 4096)
os.close(fd)
open(sys.argv[1], "w").write("yes")
time.sleep(1000)' "$T/mapped" &
mapper=$!
at_exit="kill $mapper 2>/dev/null; $at_exit"
wait_for "$T/mapped"
bfs "$PY" "$py/ucx-left.py" || fail "status $?"
[ "$(ls /dev/shm)" = "other
ucx_shm_posix_2
ucx_shm_posix_3" ] || fail "in /dev/shm: $(ls /dev/shm)"
