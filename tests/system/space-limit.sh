#!/bin/sh
# D4: storage.max_storage_gb is ENOSPC for the call that hits it; what was
# written stays, space returns, and statfs tells the limit.  A reload changes
# it; a file that is open then has one kind of locks all the time (S10).
. "${0%/*}/lib.sh"
requires "$PY"

limits() {
	run_options="-o storage.max_storage_gb=0.01 $*"
	bfs "$PY" "$py/space.py" "$mnt" 20000000 10737418 || fail "limit $*: $?"
}
limits
limits -o storage.use_iouring=false
[ "${BENCHFS_TRANSPORT:-}" != ucx ] || exit 0
echo 'storage: { max_storage_gb = 0; };' >"$T/conf"
run_options="-c $T/conf"
bfs "$PY" "$py/limit-reload.py" "$T/conf" "$mnt" || fail "reload: $?"
