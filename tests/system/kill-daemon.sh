#!/bin/sh
# D1, D3, F2: the daemon is killed at random while processes work, and started
# again; they go on, each call takes effect once, and in the end there is what
# was acknowledged.
#   BENCHFS_TEST_ROUNDS=100 BENCHFS_TEST_SEED=... sh tests/system/kill-daemon.sh
. "${0%/*}/lib.sh"
requires "$PY"

run=$builddir/run
rd=$T/rd
rounds=${BENCHFS_TEST_ROUNDS:-10}
seed=${BENCHFS_TEST_SEED:-$(date +%s)}
limit=$((100 + 4 * rounds))
echo "BENCHFS_TEST_SEED=$seed"
at_exit='touch "$T/end"; [ ! -s "$rd/pid" ] || kill -9 "$(cat "$rd/pid")" 2>/dev/null; :'
benchfs() { timeout -k 10 "$limit" "$run" benchfs "$@"; }
inside() (
	eval "$(benchfs env --run-dir "$rd" -m "$mnt")"
	exec timeout -k 10 "$limit" "$PY" "$py/kill-daemon.py" "$@"
)
for options in '' '-o storage.max_storage_gb=1'; do
	rm -rf "$T/data" "$T/end"
	# word splitting is wanted
	# shellcheck disable=SC2086
	benchfs start --run-dir "$rd" -d "$T/data" $options || fail "start"
	pids=
	for n in 1 2 3; do
		inside work "$mnt" "w$n" "$seed" "$T/end" "$T/result.$n" >"$T/log.$n" 2>&1 &
		pids="$pids $!"
	done
	# shellcheck disable=SC2086
	timeout -k 10 "$limit" "$PY" "$py/kill-daemon.py" drive "$rd" "$rounds" "$seed" \
		"$run" benchfs start --run-dir "$rd" -d "$T/data" $options >"$T/drive.log" 2>&1 ||
		{ cat "$T"/log.? "$T/drive.log" "$rd/log" >&2; fail "$options: see above"; }
	touch "$T/end"
	for pid in $pids; do
		wait "$pid" || { cat "$T"/log.? "$rd/log" >&2; fail "$options: a process failed"; }
	done
	kill -9 "$(cat "$rd/pid")"
	dead "$(cat "$rd/pid")"
	# shellcheck disable=SC2086
	benchfs start --run-dir "$rd" -d "$T/data" $options || fail "the last start"
	inside compare "$mnt" "$T/result.1" "$T/result.2" "$T/result.3" || fail "$options: see above"
	echo "$rounds rounds"
	benchfs stop --run-dir "$rd" || fail "stop"
done
check_real_is_empty "something went to the real directory"
