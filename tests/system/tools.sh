#!/bin/sh
# benchfs start, env, status and stop: a daemon that stays, for a shell.
. "${0%/*}/lib.sh"
requires "$PY"

b() { "$builddir/run" benchfs "$@"; }
run=$T/daemon
at_exit='b stop --run-dir "$run" >/dev/null 2>&1 || :'
b start --run-dir "$run" -d "$T/data" >"$T/out" 2>&1 || fail "start: $(cat "$T/out")"
pid=$(cat "$run/pid")
alive "$pid" || fail "no daemon"
[ "$(stat -c %a "$run")" = 700 ] || fail "the run directory is $(stat -c %a "$run")"
[ "$(stat -c %a "$T/data")" = 700 ] || fail "the data directory is $(stat -c %a "$T/data")"
b status --run-dir "$run" >"$T/status" || fail "status: $?"
b status --run-dir "$run" --json >"$T/json" || fail "status --json: $?"
"$PY" -c 'import json, sys; d = json.load(open(sys.argv[1])); assert d' "$T/json" ||
	fail "no JSON: $(cat "$T/json")"

# a shell, then another: both see the same files
for n in 1 2; do
	"$builddir/run" sh -euc 'eval "$(benchfs env --run-dir "$1" -m "$mnt")"
		exec sh -euc "echo shell $2 >>$mnt/f; cat $mnt/f"' x "$run" $n \
		>"$T/shell$n" 2>&1 || fail "shell $n: $(cat "$T/shell$n")"
done
[ "$(cat "$T/shell2")" = "shell 1
shell 2" ] || fail "the second shell saw: $(cat "$T/shell2")"
check_real_is_empty "eval"
# the counters have counted
b status --run-dir "$run" --json >"$T/json2"
cmp -s "$T/json" "$T/json2" && fail "the counters stand still"

# SIGHUP reloads, and the daemon lives on
kill -HUP "$pid"
sleep 0.1
b status --run-dir "$run" >/dev/null || fail "SIGHUP ended it"
b stop --run-dir "$run" || fail "stop: $?"
alive "$pid" && fail "stop came back before the daemon ended"
rc=0
b stop --run-dir "$run" 2>"$T/err" || rc=$?
[ $rc -eq 69 ] || fail "a second stop: $rc"
[ -s "$T/err" ] || fail "a second stop says nothing"

# settings and where they come from
BENCHFS_TIMEOUT=7 b config -o network.spin_us=33 show >"$T/show" || fail "config show"
grep -q 'spin_us.*33.*command line' "$T/show" || fail "spin_us: $(grep spin_us "$T/show")"
grep -q 'timeout_secs.*7.*BENCHFS_TIMEOUT' "$T/show" || fail "timeout: $(grep timeout "$T/show")"
grep -q 'chunk_size.*default' "$T/show" || fail "chunk_size: $(grep chunk "$T/show")"
printf 'network: {\n spin_us = 44;\n timeout_secs = 5; };\n' >"$T/conf"
BENCHFS_TIMEOUT=7 b config -c "$T/conf" show >"$T/show"
grep -q "spin_us.*44.*$T/conf:2" "$T/show" || fail "spin_us: $(grep spin_us "$T/show")"
grep -q 'timeout_secs.*7.*BENCHFS_TIMEOUT' "$T/show" || fail "the environment wins over the file"
