#!/bin/sh
# A cluster of 4 nodes x 2 daemons: they meet over their own addresses, each
# node is led to a daemon of its own, and nothing listens anywhere else.
. "${0%/*}/lib.sh"
requires ss
cluster 4 2

benchfs status --json --run-dir "$run" >"$T/json" || fail "status: $?"
"$PY" -c '
import json, sys
s = json.load(open(sys.argv[1]))
assert s["up"] == 8, s
assert [(m["name"], m["node"]) for m in s["members"]] == [
    ("n%d.%d" % (i, k), "n%d" % i) for i in range(1, 5) for k in range(2)], s
assert len({m["pid"] for m in s["members"]}) == 8, s' "$T/json" ||
	fail "not the members that were wanted"

for i in 1 2 3 4; do
	grep -q "RUN_DIR='$run/n$i.0'" "$T/node/env.$i" || fail "env of n$i"
	pid=$(cat "$run/n$i.1/pid")
	[ "$(readlink "/proc/$pid/ns/net")" = \
		"$(readlink "/proc/$(cat "$T/node/$i")/ns/net")" ] ||
		fail "n$i.1 does not run on n$i"
	# two daemons, each of which can be reached there
	node "$i" ss -ltnH >"$T/ss" || fail "ss: $?"
	[ "$(grep -c "10\.77\.0\.$i:" "$T/ss")" -ge 2 ] ||
		fail "n$i is not to be reached: $(cat "$T/ss")"
	! grep -v "10\.77\.0\.$i:" "$T/ss" ||
		fail "n$i listens somewhere else"
done
[ -z "$(ss -ltnuH)" ] || fail "something listens beyond the nodes: $(ss -ltnuH)"

# One file system on all nodes.
# shellcheck disable=SC2016
on 1 sh -c 'mkdir $mnt/d && for i in 1 2 3 4 5 6 7 8 9; do
	echo "n1 $i" >$mnt/d/f$i; done' || fail "n1 is not served: $?"
for i in 2 3 4; do
	# shellcheck disable=SC2016
	[ "$(on "$i" sh -c 'cat $mnt/d/*' | tr '\n' ,)" = \
		"n1 1,n1 2,n1 3,n1 4,n1 5,n1 6,n1 7,n1 8,n1 9," ] ||
		fail "n$i does not see what n1 has made"
done
check_real_is_empty nodes
benchfs status --json --run-dir "$run" >"$T/json"
[ "$("$PY" -c 'import json, sys
print(sum(m["creates"] > 0 for m in json.load(open(sys.argv[1]))["members"]))' \
	"$T/json")" -ge 3 ] || fail "ten names on two of eight daemons"

# The nodes can talk to each other, and the network is what they need for it.
ping_each() {
	node 1 "$PY" -c '
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)' "$@"
}
port=$(node 3 ss -ltnH | sed -n 's/.*10\.77\.0\.3:\([0-9]*\).*/\1/p' | head -n 1)
ping_each 10.77.0.3 "$port" || fail "n1 does not reach n3"
ip link set to3 down
! ping_each 10.77.0.3 "$port" 2>/dev/null || fail "the link is still there"
ip link set to3 up

benchfs stop --run-dir "$run" || fail "stop: $?"
at_exit=:
for i in 1 2 3 4; do
	[ -z "$(node "$i" ss -ltnH)" ] || fail "n$i still listens"
done
[ ! -d "$run" ] || [ -z "$(find "$run" -mindepth 1)" ] ||
	fail "left $(find "$run")"
[ ! -e "$T/registry" ] || fail "left $(find "$T/registry")"
