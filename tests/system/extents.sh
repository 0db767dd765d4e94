#!/bin/sh
# S7: fallocate in all its modes, SEEK_DATA and SEEK_HOLE, files of more than
# 4 GiB and sparse ones of terabytes.  With descriptors that are passed through,
# and with those that are not.
. "${0%/*}/lib.sh"

both '"$helpers/extents" "$D"'
# as large a limit as there can be: what is asked for is what counts
run_options='-o storage.max_storage_gb=1000000'
both '"$helpers/extents" "$D"'
