#!/bin/sh
# network.peers: daemons on three nodes that know each other by name@host:port
# find each other, and refuse who does not belong to them, with both values.
. "${0%/*}/lib.sh"
requires ss
net 3
peers=a@10.77.0.1:7000,b@10.77.0.2:7000,c@10.77.0.3:7000
secret() {
	printf '%s\n' "$2" >"$T/$1"
	chmod 600 "$T/$1"
}
secret one 00112233445566778899aabbccddeeff
secret two 00112233445566778899aabbccddee00

# daemon I MEMBER PEERS SECRET [ARGS]: on node I, in the background; its log and
# its status are files named after the member.
daemon() {
	i=$1 m=$2 p=$3 s=$4
	shift 4
	rm -rf "$T/run.$m" "$T/status.$m"
	(
		rc=0
		timeout -k 10 "$limit" "$T/bin/node" "$i" "$builddir/run" \
			benchfsd --run-dir "$T/run.$m" --data-dir "$T/data.$m" \
			--member "$m" -s network.peers="$p" \
			-s network.secret_file="$T/$s" \
			-s network.bind_addr=eth0 "$@" 2>"$T/log.$m" || rc=$?
		echo $rc >"$T/status.$m"
	) &
}

says() {
	grep -qF -e "$2" "$T/log.$1" ||
		{ cat "$T/log.$1" >&2; fail "$1 does not say \"$2\""; }
}

# One after the other: ready only when all are there (C1).
daemon 1 a "$peers" one
daemon 2 b "$peers" one
wait_for "$T/run.a/pid"
wait_for "$T/run.b/pid"
for m in a b; do
	[ ! -e "$T/run.$m/ready" ] || fail "$m is ready without the third"
done
daemon 3 c "$peers" one
for m in a b c; do wait_for "$T/run.$m/ready"; done
node 2 ss -ltnH | grep -q '10\.77\.0\.2:7000' || fail "b does not listen"
! node 2 ss -ltnH | grep -v '10\.77\.0\.2:' || fail "b listens elsewhere"

# A fourth with another list, and one with another secret.
daemon 1 d "$peers,d@10.77.0.1:7001" one -s network.join_secs=20
wait_for "$T/status.d"
[ "$(cat "$T/status.d")" = 78 ] || fail "another list: $(cat "$T/status.d")"
says d "has the member list"
says d "of epoch 1, we have"
daemon 2 e "a@10.77.0.1:7000,e@10.77.0.2:7001" two
wait_for "$T/status.e"
[ "$(cat "$T/status.e")" = 78 ] || fail "another secret: $(cat "$T/status.e")"
says e "10.77.0.1:7000: has the secret number"
says e ", we have"
! grep -rqi 00112233445566778899aabbccddee "$T"/log.* || fail "a log has it"

# One is killed and comes back; the others go on.
kill -9 "$(cat "$T/run.b/pid")"
wait_for "$T/status.b"
daemon 2 b "$peers" one
wait_for "$T/run.b/ready"
for m in a b c; do kill "$(cat "$T/run.$m/pid")"; done
for m in a b c; do
	wait_for "$T/status.$m"
	[ "$(cat "$T/status.$m")" = 0 ] || fail "$m ends with $(cat "$T/status.$m")"
done

# Somebody is missing: who, and in time.
daemon 1 a "$peers" one -s network.join_secs=1
daemon 3 c "$peers" one -s network.join_secs=1
wait_for "$T/status.a"
[ "$(cat "$T/status.a")" = 75 ] || fail "one is missing: $(cat "$T/status.a")"
says a 'members have not come up within 1 seconds: b'
wait_for "$T/status.c"

# What cannot be right is refused at once.
daemon 1 x "$peers" one
wait_for "$T/status.x"
says x '"x" is not one of the 3 members, a to c'
chmod 644 "$T/one"
daemon 1 a "$peers" one
wait_for "$T/status.a"
says a 'has mode 0644, so that others can read it'
chmod 600 "$T/one"
daemon 1 a "$peers" one -s network.bind_addr=10.9.9.9
wait_for "$T/status.a"
says a '"10.9.9.9" is neither an interface nor an address of this node'
