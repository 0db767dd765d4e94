#!/bin/sh
# A bad address is EFAULT and kills nobody, in BenchFS and (F6) outside, with
# descriptors that are passed through and with those that are not.
. "${0%/*}/lib.sh"

both '"$helpers/addresses" "$D"; "$helpers/addresses" "$W"; rm -r "$W"/*'
run_options='-o storage.max_storage_gb=1'
both '"$helpers/addresses" "$D"; "$helpers/addresses" "$W"; rm -r "$W"/*'
