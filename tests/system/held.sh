#!/bin/sh
# A description that something out of sight keeps alive does not stand in the
# way of others.
. "${0%/*}/lib.sh"

both '"$helpers/held" "$D"'
run_options='-o storage.max_storage_gb=1'
both '"$helpers/held" "$D"'
