#!/bin/sh
# io_uring of the application: on files that are passed through it works; on
# placeholders every operation is refused, and nothing is read or written
# elsewhere.
. "${0%/*}/lib.sh"
mkdir "$T/real"
rc=0
"$helpers/uring" "$T/real/f" pass || rc=$?
[ $rc != 77 ] || skip "no io_uring here"
[ $rc = 0 ] || fail "the test is wrong on a real file"

if [ "${BENCHFS_TRANSPORT:-}" != ucx ] && [ -z "$far" ]; then
	bfs "$helpers/uring" "$mnt/f" pass || fail "passed through"
	# calls past the C library are caught, io_uring's too
	run_options=--syscalls
	bfs "$helpers/uring" "$mnt/f" pass || fail "passed through, caught"
fi
run_options='-o storage.max_storage_gb=1'
bfs "$helpers/uring" "$mnt/f" held || fail "on a placeholder"
run_options='--syscalls -o storage.max_storage_gb=1'
bfs "$helpers/uring" "$mnt/f" held || fail "on a placeholder, caught"
