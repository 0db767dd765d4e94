#!/bin/sh
# benchfs fsck on one daemon's directory: each defect is planted by itself.
. "${0%/*}/../system/lib.sh"
requires "$PY"

"$PY" "$srcdir/tests/fsck/one.py" || fail "a defect of one daemon"

# exits STATUS TEXT ARGS...: how fsck fails.
exits() {
	want=$1 text=$2
	shift 2
	rc=0
	timeout 60 "$builddir/run" benchfs fsck "$@" >"$T/out" 2>&1 || rc=$?
	[ "$rc" -eq "$want" ] || fail "fsck $*: $rc, not $want: $(cat "$T/out")"
	grep -q "$text" "$T/out" || fail "fsck $*: $(cat "$T/out")"
}
exits 0 '10 inodes, 10 entries' "$T/kept"
exits 16 'which data directories' --run-dir "$T/run/none"
exits 16 'unknown option' --mend "$T/kept"
exits 8 'cannot look at' "$T/none"
mkdir "$T/empty"
exits 8 'not a data directory of BenchFS' "$T/empty"
exits 8 'been given already' "$T/kept" "$T/kept"
[ -z "$(ls -A "$T/empty")" ] || fail "something was made in what is not ours"

# a daemon that runs
"$builddir/run" benchfs start --run-dir "$T/run/e" -d "$T/kept"
at_exit='"$builddir/run" benchfs stop --run-dir "$T/run/e"'
exits 8 'in use by process' "$T/kept"
exits 8 'in use by process' --repair "$T/kept"
