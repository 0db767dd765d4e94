# shellcheck shell=sh
# Sourced after races.sh by tests that kill daemons.
#   BENCHFS_TEST_KILL K      kills daemon K, and waits until it is gone
#   BENCHFS_TEST_RESTART K   starts it again, and waits until it serves
# are commands that the environment gives, with BENCHFS_TEST_NODE_0 ... for a
# BenchFS that runs already.  If it does not, BENCHFS_TEST_DAEMONS of our own
# are started.
# shellcheck disable=SC2154 # lib.sh has set them
# PLACEMENT: what storage.placement is for them; if it is not set, local for odd
# SEEDs where there are several, each then being on a node of its own, so that
# most files are made by two daemons; else whole.
# $programs: words for other ones than those of the build.
# KEEP=DIR: what the daemons have said is there if the test fails.
run="$builddir/run ${programs:-} benchfs"

choose_placement() {
	placement=${PLACEMENT:-whole}
	[ "$daemons" = 1 ] || [ $((${SEED:-1} % 2)) = 0 ] ||
		placement=${PLACEMENT:-local}
	[ "$placement" != local ] || export BENCHFS_TEST_APART=1
}

# Daemons of our own.
our_daemons() {
	choose_placement
	cat >"$T/start" <<END
exec $run start -n $daemons \$2 --run-dir "$T/rd" -d "$T/data" \
	-o metadata.journal=lmdb -o storage.placement=$placement ${BENCHFS_TEST_OPTIONS:-}
END
	# A cluster has a directory for each member, HOST.0, HOST.1 ...
	cat >"$T/kill" <<END
rd=$T/rd
[ $daemons = 1 ] || rd=\$(ls -d "$T"/rd/*.* | sed -n "\$((\$1 + 1))p")
pid=\$(cat "\$rd/pid") && kill -9 \$pid || exit
[ -z "${KEEP:-}" ] || cat "\$rd/log" >>"\$rd/logs"
# its directories are locked until it is gone
for _ in \$(seq 3000); do
	grep -qs '^State:.[^XZ]' /proc/\$pid/task/*/status || exit 0
	sleep 0.01
done
exit 1
END
	# shellcheck disable=SC2034 # lib.sh runs it
	at_exit='[ $status = 0 ] || [ -z "${KEEP:-}" ] || cp -r "$T/rd" "$T/log" "$KEEP"
		$run stop --run-dir "$T/rd" 2>/dev/null || :'
	sh "$T/start" 0 "" >"$T/log" 2>&1 || { cat "$T/log"; fail "start: $?"; }
	# shellcheck disable=SC2154
	$run env -m "$mnt" --run-dir "$T/rd" >"$T/env" || fail "env: $?"
	# The words of "export A=B" lines; nothing in them needs quotes.
	words=$(sed -n "s/^export //p" "$T/env" | tr -d "'\";" | tr '\n' ' ')
	export BENCHFS_TEST_NODE_0="env $words"
	export BENCHFS_TEST_KILL="sh $T/kill"
	resume=
	[ "$daemons" = 1 ] || resume=--resume
	export BENCHFS_TEST_RESTART="sh $T/restart"
	echo "exec sh '$T/start' \"\$1\" '$resume'" >"$T/restart"
	choose_dir
}
# Our daemons have been started again after they were killed: once they stop,
# nothing is wrong with what they leave.
nothing_wrong() {
	[ -n "$ours" ] || return 0
	# shellcheck disable=SC2086
	timeout 100 $run stop --run-dir "$T/rd" || fail "stop: $?"
	# on several nodes it would want their registry
	[ -z "${BENCHFS_TEST_FAR:-}" ] || return 0
	# shellcheck disable=SC2086
	timeout 100 $run fsck "$T/data" >"$T/fsck" 2>&1 || rc=$?
	cat "$T/fsck"
	[ "${rc:-0}" -eq 0 ] || fail "fsck: $rc"
}

ours=
[ -n "${BENCHFS_TEST_NODE_0:-}" ] || {
	ours=1
	our_daemons
}
[ -n "${BENCHFS_TEST_KILL:-}" ] || fail "BENCHFS_TEST_KILL is not set"
