#!/bin/sh
# benchfs start, env, status, stop: a daemon that stays.
. "${0%/*}/../system/lib.sh"
XDG_RUNTIME_DIR=$T/x
export XDG_RUNTIME_DIR
mkdir "$XDG_RUNTIME_DIR"
PATH=$builddir:$PATH
run="$builddir/run benchfs"
at_exit='$run stop 2>/dev/null || :'

$run start || fail "start: $?"
rc=0
$run start 2>"$T/err" || rc=$?
[ $rc = 75 ] || fail "a second start: status $rc"
grep -q 'runs here' "$T/err" || fail "a second start: $(cat "$T/err")"

# Two shells see the same files.
cat >"$T/shell" <<'END'
eval "$(benchfs env -m "$mnt")" || exit 99
case $LD_PRELOAD in
*libbenchfs_preload.so*) ;;
*) exit 98 ;;
esac
END
cp "$T/shell" "$T/writer"
cp "$T/shell" "$T/reader"
# shellcheck disable=SC2016
{
	# The shell that reads the settings is not served, what it starts is.
	echo 'mkdir $mnt/d && sh -c "echo hello >$mnt/d/f"' >>"$T/writer"
	echo 'cat $mnt/d/f; exec ls $mnt/d' >>"$T/reader"
}
"$builddir/run" sh "$T/writer" || fail "writer: $?"
[ "$("$builddir/run" sh "$T/reader")" = "hello
f" ] || fail "the reader does not see what was written"
check_real_is_empty "env"

$run status >"$T/status" || fail "status: $?"
grep -q '^creates  *2 ' "$T/status" ||
	fail "d and f are two inodes: $(grep creates "$T/status")"
$run status --json >"$T/json" || fail "status --json: $?"
"$PY" -c 'import json, sys
s = json.load(open(sys.argv[1]))
assert s["creates"] == 2 and s["pid"] > 0 and s["requests"] > 0, s' "$T/json" ||
	fail "status --json"

$run stop || fail "stop: $?"
[ -z "$(find "$XDG_RUNTIME_DIR" -mindepth 2)" ] ||
	fail "stop leaves $(find "$XDG_RUNTIME_DIR")"
rc=0
$run status 2>/dev/null || rc=$?
[ $rc = 69 ] || fail "status after stop: $rc"

# The socket of a dead daemon is in nobody's way, nor is one that is just being
# killed, for which several threads have to end.
for transport in auto ucx ucx ucx ucx ucx; do
	$run start --run-dir "$T/rd" -d "$T/data" \
		-o network.transport=$transport || fail "start: $?"
	kill -9 "$(cat "$T/rd/pid")"
done
$run start --run-dir "$T/rd" -d "$T/data" || fail "start after kill -9"
$run stop --run-dir "$T/rd" || fail "stop: $?"
[ -d "$T/data" ] || fail "stop removes a data directory that was named"
