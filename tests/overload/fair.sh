#!/bin/sh
# A client that floods the daemon with 16 calls at once, at a low priority, beside one that makes
# one after the other: what its calls take, in microseconds.  No test: the ratio
# of the 99th percentile in one run is what counts.  DATA=DIR: data files there,
# else in memory if that can be: a disk's file system has waits of its own.
# "stat" "write 1M": that call beside that flood, else all.
. "${0%/*}/../system/lib.sh"

data=$T/data
if [ -n "${DATA:-}" ] || [ -w /dev/shm ]; then
	data=$(mktemp -d "${DATA:-/dev/shm}/bfs-fair.XXXXXX")
	# shellcheck disable=SC2034 # lib.sh runs it
	at_exit='rm -rf "$data"'
fi
run_options="-d $data/d -o storage.max_storage_gb=1 ${BENCHFS_TEST_OPTIONS:-}"
bfs "$builddir/tests/overload/fair" "$mnt" "$@"
