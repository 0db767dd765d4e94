#!/bin/sh
# A client that floods the daemon with 16 calls at once, at a low priority, beside one that makes
# one after the other: what its calls take, in microseconds.  No test: the ratio
# of the 99th percentile in one run is what counts.
. "${0%/*}/../system/lib.sh"

run_options="-o storage.max_storage_gb=1 ${BENCHFS_TEST_OPTIONS:-}"
bfs "$builddir/tests/overload/fair" "$mnt"
