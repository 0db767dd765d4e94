#!/bin/sh
# POSIX asynchronous I/O: results, notification, lists of files here and there;
# on descriptors that are passed through and on those that are not.
. "${0%/*}/lib.sh"

both '"$helpers/aio" "$D" "$W"'
run_options="$run_options -o storage.max_storage_gb=1"
both '"$helpers/aio" "$D" "$W"'
