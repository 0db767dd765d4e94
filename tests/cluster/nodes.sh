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
