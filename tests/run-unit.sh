#!/bin/sh
# Runs one unit test; BENCHFS_VALGRIND=1 runs it under valgrind.
if [ "${BENCHFS_VALGRIND:-}" = 1 ]; then
	exec "${builddir:?}/libtool" --mode=execute valgrind -q \
		--error-exitcode=119 --leak-check=full "$@"
fi
exec "$@"
