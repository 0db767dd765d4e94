#!/bin/sh
# benchfs start, status, env, stop and run with several daemons on this machine.
BENCHFS_TEST_MNT=/benchfs
. "${0%/*}/../system/lib.sh"
requires python3
XDG_RUNTIME_DIR=$T/x
export XDG_RUNTIME_DIR
mkdir "$XDG_RUNTIME_DIR"
at_exit='benchfs stop 2>/dev/null; benchfs stop --run-dir "$T/r2" 2>/dev/null; :'

benchfs() {
	timeout -k 10 "$limit" "$builddir/run" benchfs "$@"
}

# refuses STATUS TEXT ARGS...: benchfs ARGS ends so, TEXT in its message.
refuses() {
	want=$1 text=$2 rc=0
	shift 2
	benchfs "$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
	[ $rc = "$want" ] ||
		{ cat "$T/err"; fail "benchfs $*: status $rc, not $want"; }
	grep -qF -e "$text" "$T/err" ||
		{ cat "$T/err"; fail "benchfs $*: does not say \"$text\""; }
}

nothing_left() {
	[ -z "$(find "$T/x" -mindepth 1)" ] ||
		{ find "$T/x" >&2; fail "$1: left something behind"; }
}

# ask EXPRESSION ARGS...: of the JSON that status prints, as s.
ask() {
	expr=$1
	shift
	benchfs status --json "$@" >"$T/json" || fail "status: $?"
	"$PY" -c "import json, sys
s = json.load(open(sys.argv[1]))
m = s['members']
print($expr)" "$T/json"
}

# Three daemons, one cluster.
benchfs start -n 3 || fail "start: $?"
[ "$(ask 's["up"], len(m), len({x["pid"] for x in m})')" = "3 3 3" ] ||
	fail "not three daemons: $(cat "$T/json")"
host=$(ask 'm[0]["node"]')
[ "$(ask '[x["name"] for x in m]')" = "['$host.0', '$host.1', '$host.2']" ] ||
	fail "names: $(cat "$T/json")"
benchfs status | grep -q '3 of 3 daemons up' || fail "status as text"
benchfs env | grep -q "^export BENCHFS_RUN_DIR='.*/$host.0';" ||
	fail "env does not lead to the lowest shard: $(benchfs env)"
refuses 75 'a cluster was started here' start -n 3
refuses 75 'a cluster was started here' start

# The secret is one; it is in no log.
[ "$(stat -c %a "$T"/x/*/default/registry/secret)" = 600 ] || fail "secret"
! grep -rqF "$(cat "$T"/x/*/default/registry/secret)" "$T"/x/*/default/*/log ||
	fail "a log has the secret"

# Programs see one file system, of which each daemon has a part.
refuses 69 'no daemon runs' env --run-dir "$T/nowhere"
benchfs env -m "$mnt" >"$T/env"
# shellcheck disable=SC2016
(. "$T/env" && exec sh -c 'mkdir $mnt/d &&
	for i in 1 2 3 4 5 6 7 8; do echo $i >$mnt/d/f$i; done') ||
	fail "programs are not served"
# shellcheck disable=SC2016
[ "$(. "$T/env" && exec sh -c 'rm $mnt/d/f2; ls $mnt/d' | tr '\n' ' ')" = \
	"f1 f3 f4 f5 f6 f7 f8 " ] || fail "not what was made"
[ "$(ask 'sum(1 for x in m if x["creates"] > 0)')" -ge 2 ] ||
	fail "one daemon has it all: $(cat "$T/json")"
[ "$(ask 's["creates"] == sum(x["creates"] for x in m)')" = True ] ||
	fail "not the sum: $(cat "$T/json")"
check_real_is_empty "env"

# A second one at the same time has nothing to do with it.
benchfs start -n 2 --run-dir "$T/r2" -d "$T/d2" || fail "second cluster: $?"
[ "$(ask 's["up"]' --run-dir "$T/r2")" = 2 ] || fail "second: status"
one=$(ask 's["cluster"]') two=$(ask 's["cluster"]' --run-dir "$T/r2")
[ "$one" != "$two" ] || fail "two clusters with the id $one"
[ -d "$T/d2/$host.1" ] || fail "no data directory for each member"

# One is killed: it is told, and the others are not disturbed.
pid=$(ask 'm[1]["pid"]')
kill -9 "$pid"
dead "$pid"
refuses 69 '1 of the 3 daemons are down' status
grep -q "$host.1.*down" "$T/out" || fail "status does not show who is down"

benchfs stop 2>"$T/err" || fail "stop: $(cat "$T/err")"
grep -q "warning: $host.1" "$T/err" || fail "stop does not say who was down"
nothing_left stop
refuses 69 'no daemon runs' status
[ "$(ask 's["up"]' --run-dir "$T/r2")" = 2 ] || fail "the wrong one stopped"

# Data that was named stays, and belongs to the same cluster when it comes
# back; with another list it is refused.
benchfs stop --run-dir "$T/r2" || fail "stop: $?"
[ -f "$T/d2/registry/cluster" ] || fail "the registry is gone"
[ -z "$(find "$T/d2/registry" -name '*.addr')" ] || fail "records stay"
benchfs start -n 2 --run-dir "$T/r2" -d "$T/d2" || fail "start again: $?"
[ "$(ask 's["cluster"]' --run-dir "$T/r2")" = "$two" ] ||
	fail "the same data in another cluster"
benchfs stop --run-dir "$T/r2" || fail "stop: $?"
refuses 78 "with 2 members, $host.0 to $host.1; this one would have 3" \
	start -n 3 --run-dir "$T/r2" -d "$T/d2"

# One that was killed is started again, the others go on.
benchfs start -n 2 --run-dir "$T/r2" -d "$T/d2" || fail "start again: $?"
zero=$(ask 'm[0]["pid"]' --run-dir "$T/r2")
pid=$(ask 'm[1]["pid"]' --run-dir "$T/r2")
kill -9 "$pid"
dead "$pid"
refuses 73 metadata.journal start --resume -o metadata.journal=none --run-dir "$T/r2"
for f in restarts hold; do
	[ -e "$T/r2/$host.1/$f" ] || fail "a start that failed removed $f, for which clients wait"
done
benchfs start --resume --run-dir "$T/r2" || fail "resume: $?"
[ "$(ask 's["up"], m[0]["pid"]' --run-dir "$T/r2")" = "2 $zero" ] ||
	fail "resume: $(cat "$T/json")"
benchfs start --resume --run-dir "$T/r2" || fail "resume with all there: $?"
# Two that have each other's data are not believed (RULES 31).
benchfs stop --run-dir "$T/r2" || fail "stop: $?"
mv "$T/d2/$host.0" "$T/d2/x"
mv "$T/d2/$host.1" "$T/d2/$host.0"
mv "$T/d2/x" "$T/d2/$host.1"
refuses 73 'belongs to shard' start -n 2 --run-dir "$T/r2" -d "$T/d2"
[ -f "$T/d2/$host.1/benchfs" ] || fail "a start that failed removed data"

# One that cannot start: its log, and the others end.
mkdir "$T/d3"
: >"$T/d3/$host.2"
refuses 73 "$T/d3/$host.2 is not a directory" start -n 3 -d "$T/d3"
nothing_left "a failed start"
rm -r "$T/d3"
mkdir -p "$T/d3/$host.1"
: >"$T/d3/$host.1/strange"
refuses 73 "the daemon $host.1 on" start -n 3 -d "$T/d3"
grep -q '^| .*strange\|^| .*not ours\|^| .*empty' "$T/err" ||
	{ cat "$T/err"; fail "not the daemon's last log lines"; }
nothing_left "a failed start"
[ -f "$T/d3/$host.1/strange" ] || fail "a failed start removed data"

# A run goes on with data that was named or kept.
run2() { benchfs run -n 2 -m "$mnt" "$@"; }
run2 -d "$T/d4" -- sh -c "mkdir $mnt/d && seq 9 >$mnt/d/f" || fail "run -d"
[ "$(run2 -d "$T/d4" -- cat "$mnt/d/f" | wc -l)" = 9 ] ||
	fail "run -d does not go on"
run2 --keep -- sh -c "seq 9 >$mnt/f" 2>"$T/err" || fail "run --keep"
kept=$(sed -n 's/.*benchfs run -n 2 -d //p' "$T/err")
[ -d "$kept" ] || { cat "$T/err"; fail "run --keep does not say where"; }
[ "$(run2 -d "$kept" -- cat "$mnt/f" | wc -l)" = 9 ] ||
	fail "run --keep does not keep"
rm -r "$kept"
nothing_left "runs with data"

# A run of its own, at the same time as others.
benchfs run -n 3 -- benchfs status >"$T/out" || fail "run -n 3: $?"
grep -q '3 of 3 daemons up' "$T/out" || fail "in a run: $(cat "$T/out")"
rc=0
benchfs run -n 2 -- sh -c 'exit 7' || rc=$?
[ $rc = 7 ] || fail "run -n 2: $rc"
rc=0
# shellcheck disable=SC2016
benchfs run -n 2 -- sh -c 'kill -9 $(cat $BENCHFS_RUN_DIR/../*.1/pid)' \
	2>"$T/err" || rc=$?
[ $rc = 70 ] || fail "a daemon of a run was killed: $rc, $(cat "$T/err")"
grep -q 'killed by signal 9' "$T/err" || fail "not told: $(cat "$T/err")"
nothing_left run

# A run that is killed takes everything along.
benchfs run -n 2 -- sh -c 'echo $PPID >"$T/ppid"; sleep 100' &
wait_for "$T/ppid"
kill -9 "$(cat "$T/ppid")"
for _ in $(seq 500); do
	[ -n "$(find "$T/x" -mindepth 1)" ] || break
	sleep 0.02
done
nothing_left "a run that was killed"

# Bad lists of hosts.
refuses 64 'host "a" is there twice' start --hosts a,b,a
refuses 64 'n[1-4,7]' start --hosts 'n[4-1]'
refuses 64 'n[1-4,7]' start --hosts 'n[]'
refuses 64 'not a host' start --hosts 'a;b'
refuses 64 'not a host' start --hosts '-oProxyCommand=x'
refuses 64 'no hosts' start --hosts ''
refuses 64 'not a host' start --hosts a,,b
refuses 66 'No such file' start -H "$T/nosuch"
printf 'a\n# b\n\n a # again\n' >"$T/hosts"
refuses 64 "$T/hosts:4: host \"a\" is there twice" start -H "$T/hosts"
printf 'a slots=4\n' >"$T/hosts"
refuses 64 "$T/hosts:1: \"a slots=4\": one host" start -H "$T/hosts"
: >"$T/hosts"
refuses 64 'no hosts' start -H "$T/hosts"
refuses 64 'only one of them' start -H "$T/hosts" --hosts a
refuses 64 'expected auto, local' start --launcher rsh --hosts a
refuses 64 'on which hosts' start --launcher ssh
nothing_left "bad lists"
