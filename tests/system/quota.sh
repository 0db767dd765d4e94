#!/bin/sh
# D4: quotas of users and of all together, in space and in number, are EDQUOT
# for the call that hits them; what was written stays, and space returns.  They
# hold over a restart, and change by a reload.
. "${0%/*}/lib.sh"
requires "$PY"

# all: nobody is exempt; in 0.01 GiB and 60 files, or for several daemons more.
files=$((60 * (daemons > 1 ? 4 : 1)))
given=$run_options
run_options="$given -o storage.quota_gb=0.01 -o storage.quota_files=$files"
bfs "$PY" "$py/quota.py" "$mnt" all 10737418 $files "$daemons" ||
	fail "quota of all: $?"

# A reload changes them.
if [ "$daemons" = 1 ]; then
	echo 'storage: { quota_gb = 0; };' >"$T/conf"
	run_options="$given -c $T/conf"
	bfs "$PY" "$py/quota-reload.py" "$T/conf" "$mnt" || fail "reload: $?"
fi

[ "$(id -u)" = 0 ] || exit 0
limits="-o storage.user_quota_gb=0.01 -o storage.user_quota_files=$files"
run_options="$given -d $T/data $limits -o auth.allow_users=*"
chmod 755 "$T"
for phase in users again; do
	# a run of several nodes leaves no registry for the next
	[ $phase = users ] || [ -z "${BENCHFS_TEST_FAR:-}" ] || break
	bfs "$PY" "$py/quota.py" "$mnt" $phase 10737418 $files "$daemons" ||
		fail "quotas of users, $phase: $?"
done
