#!/bin/sh
# S1, S3: /proc/self/fd says what an open file is called now, whichever shards have its name and its inode: after it was
# renamed, linked, one of its names removed, and after the daemons were started anew (D3).
: "${BENCHFS_TEST_DAEMONS:=3}"
. "${0%/*}/lib.sh"
requires "$PY"

both '"$PY" "$py/fd-path.py" "$D" make && "$PY" "$py/fd-path.py" "$D" see'
run_options="$run_options -o storage.placement=local"
both '"$PY" "$py/fd-path.py" "$D" make && "$PY" "$py/fd-path.py" "$D" see'

benchfs() { timeout -k 10 "$limit" "$builddir/run" benchfs "$@"; }
at_exit='benchfs stop --run-dir "$T/rd" >/dev/null 2>&1; :'
start() {
	# shellcheck disable=SC2086
	benchfs start --run-dir "$T/rd" -d "$T/data" -n "$daemons" $run_options >"$T/start.log" 2>&1 ||
		{ cat "$T/start.log" >&2; fail "start"; }
}
see() (
	eval "$(benchfs env --run-dir "$T/rd" -m "$mnt")"
	exec timeout -k 10 "$limit" "$PY" "$py/fd-path.py" "$mnt/d" "$1"
)
start
see make >"$T/before" || fail "make"
benchfs stop --run-dir "$T/rd" || fail "stop"
start
see see >"$T/after" || fail "see"
see see | diff "$T/after" - || fail "the names differ"
[ "$(wc -l <"$T/after")" = 90 ] || fail "$(wc -l <"$T/after") names of 90"
