#!/bin/sh
# Striped files whose data is not in memory, and writes that wait for the disk:
# io_uring works for both, on the shards with chunks and at the home, and what is
# read while the file is cut and written anew is of one moment (RULES 17, 19).
BENCHFS_TEST_DAEMONS=3
export BENCHFS_TEST_DAEMONS
. "${0%/*}/lib.sh"
requires "$PY" stat
[ "$(stat -f -c %T "$T")" != tmpfs ] || skip "no disk here"
given=$run_options
for uring in true false; do
	run_options="$given -d $T/data.$uring -o storage.use_iouring=$uring \
		-o storage.placement=stripe -o storage.chunk_size=64K"
	bfs "$PY" "$py/stripe-disk.py" "$mnt" "$T/data.$uring" $uring ||
		fail "use_iouring=$uring: $?"
done
