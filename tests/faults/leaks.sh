#!/bin/sh
# S5, D3, F3: after many runs of programs, some of them killed, nothing is left:
# no descriptor, socket, shared memory, data file or inode.  RUNS=N
. "${0%/*}/../system/lib.sh"
faults=$builddir/tests/faults

timeout -k 10 "${LIMIT:-3600}" "$faults/leaks" "$T" "$builddir/benchfsd" \
	"$faults/.libs/libfail.so" \
	"$builddir/preload/.libs/libbenchfs_preload.so" "$mnt" "${RUNS:-200}" \
	node.log_level=info || fail "see above"
check_real_is_empty "something went to the real directory"
