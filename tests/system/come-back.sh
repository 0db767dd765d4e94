#!/bin/sh
# D3, F1, RULES 28: processes go on over a restart of a killed daemon, with what
# they have open and locked; also without pass-through, where all of that is the
# daemon's.
. "${0%/*}/lib.sh"
requires "$PY"

run=$builddir/run
at_exit='for p in "$T"/*/pid; do [ ! -s "$p" ] || kill -9 "$(cat "$p")" 2>/dev/null; done; :'
benchfs() { timeout -k 10 "$limit" "$run" benchfs "$@"; }
for kind in pass limit ucx; do
	rd=$T/$kind
	options=
	case $kind in
	limit) options="-o storage.max_storage_gb=1" ;;
	ucx) options="-o network.transport=ucx" ;;
	esac
	# word splitting is wanted
	# shellcheck disable=SC2086
	benchfs start --run-dir "$rd" -d "$T/$kind.data" $options || fail "start"
	# shellcheck disable=SC2086
	(
		[ $kind != ucx ] || export BENCHFS_TRANSPORT=ucx
		eval "$(benchfs env --run-dir "$rd" -m "$mnt")"
		BENCHFS_TIMEOUT=20 timeout -k 10 "$limit" "$run" "$PY" "$py/come-back.py" "$mnt" "$rd" \
			"$run" benchfs start --run-dir "$rd" -d "$T/$kind.data" $options
	) || fail "$kind: see above; the daemon's log: $(cat "$rd/log")"
	for _ in $(seq 200); do
		n=$(find "$T/$kind.data/data" -type f | wc -l)
		[ "$n" != 3 ] || break
		sleep 0.05
	done
	[ "$n" = 3 ] || fail "$kind: $n data files for three files"
	benchfs stop --run-dir "$rd" || fail "stop"
	for _ in $(seq 200); do
		[ -n "$(find "$rd" -mindepth 1 ! -name log)" ] || break
		sleep 0.02
	done
	left=$(find "$rd" -mindepth 1 ! -name log)
	[ -z "$left" ] || fail "left in the run directory: $left"
done
check_real_is_empty "something went to the real directory"
