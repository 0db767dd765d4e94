#!/bin/sh
# openat2(2) by syscall(): RESOLVE_BENEATH, RESOLVE_IN_ROOT, no symlinks, and
# what it refuses.
. "${0%/*}/lib.sh"

both '"$helpers/openat2" "$D"'
