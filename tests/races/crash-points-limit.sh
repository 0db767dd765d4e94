#!/bin/sh
# The same as crash-points.sh where all data goes through the daemons, since
# they have a space limit: appends too (D1, F2).
BENCHFS_TEST_OPTIONS="-o storage.max_storage_gb=4 ${BENCHFS_TEST_OPTIONS:-}"
BENCHFS_TEST_WRITERS=1
export BENCHFS_TEST_OPTIONS BENCHFS_TEST_WRITERS
exec sh "${0%/*}/crash-points.sh"
