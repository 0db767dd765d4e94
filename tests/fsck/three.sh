#!/bin/sh
# benchfs fsck on the directories of three daemons.
. "${0%/*}/../system/lib.sh"
requires "$PY"

"$PY" "$srcdir/tests/fsck/three.py" || fail "a defect of three daemons"

# of the run directory's cluster, and one of them runs
b() { timeout 100 "$builddir/run" benchfs "$@"; }
rc=0
b fsck --run-dir "$T/run/d" "$T/kept/registry" >"$T/out" 2>&1 || rc=$?
[ $rc -eq 8 ] || fail "a directory that is none: $rc $(cat "$T/out")"
rm -rf "$T/data"
cp -a "$T/kept" "$T/data"
b start -n 3 --run-dir "$T/run/d" -d "$T/data"
at_exit='b stop --run-dir "$T/run/d"'
rc=0
b fsck --run-dir "$T/run/d" >"$T/out" 2>&1 || rc=$?
[ $rc -eq 8 ] || fail "daemons run: $rc $(cat "$T/out")"
grep -q 'in use by process' "$T/out" || fail "$(cat "$T/out")"
