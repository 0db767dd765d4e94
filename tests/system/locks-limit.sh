#!/bin/sh
# S10 under a space limit, where descriptors for reading are passed through and
# those for writing are not: they have the same locks.
BENCHFS_TEST_OPTIONS='-o storage.max_storage_gb=1'
export BENCHFS_TEST_OPTIONS
exec "${SHELL:-/bin/sh}" "${0%/*}/locks.sh"
