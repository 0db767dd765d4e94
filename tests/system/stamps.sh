#!/bin/sh
# S8: which times each call changes, utimensat with UTIME_NOW and UTIME_OMIT by
# owners and others, relatime, the masks of statx.  With descriptors that are
# passed through, and with those that are not.
. "${0%/*}/lib.sh"
case $(stat -f -c %T "$T") in
tmpfs) skip "a tmpfs stamps in ways of its own" ;;
esac
grep -q relatime /proc/self/mountinfo || skip "no file system with relatime"

chmod 755 "$T"
run_options='-o auth.allow_users=*'
set -f # it holds a star
both '"$helpers/stamps" "$D" && rm -r "$D"/*'
run_options="$run_options -o storage.max_storage_gb=1"
both '"$helpers/stamps" "$D" nomap && rm -r "$D"/*'
