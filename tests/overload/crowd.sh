#!/bin/sh
# F1, overload: many client processes at once on one daemon all get their
# answers, without an error.  CLIENTS=N ROUNDS=N
. "${0%/*}/../system/lib.sh"

# word splitting is wanted
for options in "" "-o storage.max_storage_gb=1"; do
	run_options="${BENCHFS_TEST_OPTIONS:-} $options"
	bfs "$builddir/tests/overload/crowd" "${CLIENTS:-150}" "${ROUNDS:-20}" \
		"$mnt" || fail "$?, with $options"
done
