#!/bin/sh
# Placement by attribute, and benchfs layout: where what is made goes, with one
# daemon, several on one node, and each on a node of its own.
. "${0%/*}/../system/lib.sh"
requires "$PY"

daemons=1
bfs "$PY" "$py/layout.py" "$mnt/d" 1 together || fail "one daemon"
daemons=3
bfs "$PY" "$py/layout.py" "$mnt/d" 3 together || fail "three daemons"
BENCHFS_TEST_APART=1 bfs "$PY" "$py/layout.py" "$mnt/d" 3 apart ||
	fail "three daemons on nodes of their own"

# What is configured is what the top directory has.
run_options='-o storage.placement=local -o storage.chunk_size=1M'
# shellcheck disable=SC2016
bfs sh -c 'mkdir "$0/d" && benchfs layout "$0" "$0/d"' "$mnt" >"$T/out" ||
	fail "layout of what is configured"
grep -c 'placement *local$' "$T/out" | grep -qx 2 || fail "$(cat "$T/out")"
grep -c 'chunk size *1 MiB$' "$T/out" | grep -qx 2 || fail "$(cat "$T/out")"
run_options=

# says STATUS TEXT ARGS...: how benchfs layout fails in a run.
says() {
	status=$1 text=$2
	shift 2
	# shellcheck disable=SC2016
	bfs sh -c 'mkdir "$0/d"; rc=0; benchfs layout "$@" 2>"$T/err" || rc=$?
		exit "$rc"' "$mnt" "$@" >"$T/out" && rc=0 || rc=$?
	[ "$rc" -eq "$status" ] || fail "layout $*: status $rc, not $status"
	grep -q "$text" "$T/err" || fail "layout $*: $(cat "$T/err")"
}
daemons=1
says 66 'No such file' "$mnt/none"
says 66 'No such file' "$mnt/d/none" "$mnt"
grep -q 'placement *whole' "$T/out" || fail "what exists is not told"
says 64 "below $mnt" "${mnt}x/d"
says 64 "below $mnt" d
says 64 'which file' --json
"$builddir/benchfs" layout --run-dir "$T/run/none" "$mnt" 2>"$T/err" && fail "no daemon"
[ "$("$builddir/benchfs" layout --run-dir "$T/run/none" "$mnt" 2>/dev/null || echo $?)" = 69 ] ||
	fail "no daemon: another status"

# Rights as stat has them, and to set it one must own it.
[ "$(id -u)" = 0 ] || exit 0
requires setpriv
chmod 755 "$T"
run_options='-o auth.allow_users=*'
cat >"$T/rights" <<'END'
as() { setpriv --reuid 1000 --regid 1000 --clear-groups sh -c 'exec "$@"' sh "$@"; }
cd "$1"
mkdir -m 755 open; mkdir -m 700 shut; mkdir -m 777 all; mkdir own; chown 1000 own; touch shut/f open/f
chmod 600 open/f
as benchfs layout "$1/open/f" >/dev/null || exit 1
as benchfs layout "$1/shut" >/dev/null || exit 2
rc=0; as benchfs layout "$1/shut/f" 2>/dev/null || rc=$?
[ $rc -eq 77 ] || exit 3
set='import os, sys; os.setxattr(sys.argv[1], "user.benchfs.placement", b"local")'
as python3 -c "$set" "$1/own" || exit 4
! as python3 -c "$set" "$1/all" 2>/dev/null || exit 5
python3 -c "$set" "$1/all" || exit 6
END
set -f # it holds a star
bfs sh "$T/rights" "$mnt" || fail "rights: $rc"
