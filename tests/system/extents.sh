#!/bin/sh
# S7: fallocate in all its modes, SEEK_DATA and SEEK_HOLE, files of more than
# 4 GiB and sparse ones of terabytes.  With descriptors that are passed through,
# and with those that are not.
. "${0%/*}/lib.sh"

# A striped file collapses in its first chunk only; how long a file may be is
# not asked then.
if [ "$far" = stripe ]; then
	run_options="$run_options -o storage.chunk_size=4M"
	both '"$helpers/extents" "$D" | grep -v "^[ci].* 21990232555520 1: "'
	exit
fi
both '"$helpers/extents" "$D"'
# as large a limit as there can be: what is asked for is what counts
run_options='-o storage.max_storage_gb=1000000'
both '"$helpers/extents" "$D"'
