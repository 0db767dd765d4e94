#!/bin/sh
# The calls that end in at: every kind of directory descriptor and of path,
# O_PATH, AT_EMPTY_PATH, /proc/self/fd/N; every call on every kind of
# descriptor.  With descriptors that are passed through, and with those that
# are not.
. "${0%/*}/lib.sh"

both '"$helpers/at" "$D"'
run_options='-o storage.max_storage_gb=1'
both '"$helpers/at" "$D" fds'
