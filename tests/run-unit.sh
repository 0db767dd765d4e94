#!/bin/sh
# Runs one unit test, with a limit; BENCHFS_VALGRIND=1 runs it under valgrind.
# Children that an assertion ends would leave them here.
# shellcheck disable=SC3045 # dash has it
ulimit -c 0
limit=${BENCHFS_TEST_LIMIT:-600}
if [ "${BENCHFS_VALGRIND:-}" = 1 ]; then
	exec timeout -k 5 "$limit" "${builddir:?}/libtool" --mode=execute \
		valgrind -q --error-exitcode=119 --leak-check=full "$@"
fi
exec timeout -k 5 "$limit" "$@"
