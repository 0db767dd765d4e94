#!/bin/sh
# D1, D2, D4, F3: the n-th allocation, read, write, sync, open ... of a daemon
# fails, for n = 1, 2, ... until none fails any more: each call of a client
# ends as it should or with an error, the daemon goes on or stops in order,
# and nothing is lost or left.  EVERY=N: every N-th of them.
. "${0%/*}/../system/lib.sh"
faults=$builddir/tests/faults

nth() {
	mkdir "$T/$1"
	timeout -k 10 "${LIMIT:-3600}" "$faults/nth" "$T/$1" "$builddir/benchfsd" \
		"$faults/.libs/libfail.so" \
		"$builddir/preload/.libs/libbenchfs_preload.so" "$mnt" \
		"${EVERY:-23}" "$2" || fail "$1: see above"
}
# The client has the data files; or all goes through the daemon, whose syncs
# and reads are calls of libc then.
nth passed storage.use_iouring=true
nth limit storage.max_storage_gb=2
nth plain storage.use_iouring=false
