#!/bin/sh
# Daemons that are started by hand with a registry: what is in it is believed
# only if it is whole and theirs (C3, F4).
. "${0%/*}/../system/lib.sh"
XDG_RUNTIME_DIR=$T/x
export XDG_RUNTIME_DIR
mkdir "$XDG_RUNTIME_DIR"
reg=$T/reg
pids=
at_exit='kill $pids 2>/dev/null; :'

benchfs() {
	timeout -k 10 "$limit" "$builddir/run" benchfs "$@"
}

# daemon NAME MEMBER [ARGS]: its log and its status are files of that name.
daemon() {
	n=$1 m=$2
	shift 2
	rm -rf "$T/run.$n" "$T/status.$n"
	(
		rc=0
		timeout -k 10 "$limit" "$builddir/run" benchfsd \
			--run-dir "$T/run.$n" --data-dir "$T/data.$n" \
			--registry "$reg" --member "$m" \
			-s network.bind_addr=lo -s node.log_level=info "$@" \
			2>"$T/log.$n" || rc=$?
		echo $rc >"$T/status.$n"
	) &
}

# ends NAME STATUS TEXT: with that status, after saying so.
ends() {
	wait_for "$T/status.$1"
	[ "$(cat "$T/status.$1")" = "$2" ] ||
		{ cat "$T/log.$1" >&2; fail "$1: $(cat "$T/status.$1"), not $2"; }
	grep -qF -e "$3" "$T/log.$1" ||
		{ cat "$T/log.$1" >&2; fail "$1 does not say \"$3\""; }
}

# A registry, as `benchfs start` leaves it.
benchfs start --launcher local --hosts 'm[1-2]' -d "$T/d" \
	-o network.registry_dir="$reg" --run-dir "$T/r" || fail "start: $?"
cp "$reg/m1.addr" "$T/old"
benchfs stop --run-dir "$T/r" || fail "stop: $?"
[ -f "$reg/cluster" ] || fail "the list is gone: $(ls -l "$reg")"
[ ! -e "$reg/m1.addr" ] || fail "a record stays: $(ls -l "$reg")"

# m2 alone waits. A record of m1 that is half written, or of another, ends it.
rejects() {
	daemon m2 m2
	wait_for "$T/run.m2/pid"
	[ ! -e "$T/run.m2/ready" ] || fail "ready without m1"
	mv "$1" "$reg/m1.addr"
	ends m2 78 "$2"
	rm -f "$reg/m1.addr"
	[ ! -e "$reg/m2.addr" ] || fail "its record stays"
}
head -c 100 "$T/old" >"$T/half"
rejects "$T/half" "$reg/m1.addr: has 100 bytes, its head says"
head -c 10 "$T/old" >"$T/half"
rejects "$T/half" "$reg/m1.addr: not the record of a member"
: >"$T/half"
rejects "$T/half" "$reg/m1.addr: not the record of a member"
{
	head -c 200 "$T/old"
	printf X
	tail -c +202 "$T/old"
} >"$T/changed"
rejects "$T/changed" "$reg/m1.addr: is damaged"
benchfs start --launcher local --hosts 'm[1-2]' --run-dir "$T/r2" ||
	fail "another cluster: $?"
cp "$T/r2/registry/m1.addr" "$T/foreign"
benchfs stop --run-dir "$T/r2" || fail "stop: $?"
rejects "$T/foreign" "$reg/m1.addr: belongs to cluster"
grep -q 'belongs to cluster [0-9a-f]\{16\}, we to [0-9a-f]\{16\}' "$T/log.m2" ||
	fail "not both values: $(cat "$T/log.m2")"

# A stranger's, and files that are not what they were.
: >"$reg/m7.addr"
daemon m2 m2
ends m2 78 'm7.addr: is the record of a member who is not among the 2'
rm "$reg/m7.addr"
cp "$reg/cluster" "$T/cluster"
sed 's/m2/m3/g' "$T/cluster" >"$reg/cluster"
daemon m2 m2
ends m2 78 "$reg/cluster: says that its members make the list"
head -n 6 "$T/cluster" >"$reg/cluster"
daemon m2 m2
ends m2 78 "$reg/cluster:7: ends too early"
cp "$T/cluster" "$reg/cluster"
chmod 640 "$reg/secret"
daemon m2 m2
ends m2 78 "$reg/secret: has mode 0640, so that others can read it"
chmod 600 "$reg/secret"
daemon m3 m3
ends m3 78 '"m3" is not one of the 2 members'

# Nobody comes: who is missing, and when that was too long.
daemon m2 m2 -s network.join_secs=1
ends m2 75 '1 of 2 members have not come up within 1 seconds: m1'

# With the right one both are ready.
daemon m2 m2
daemon m1 m1
wait_for "$T/run.m1/ready"
wait_for "$T/run.m2/ready"
pids="$(cat "$T/run.m1/pid") $(cat "$T/run.m2/pid")"
# word splitting is wanted
# shellcheck disable=SC2086
kill $pids
ends m1 0 'all 2 members are there, we are shard 0'
ends m2 0 'all 2 members are there, we are shard 1'
[ -z "$(find "$reg" -name '*.addr*')" ] || fail "records stay: $(ls -A "$reg")"
! grep -rqF "$(cat "$reg/secret")" "$T"/log.* || fail "a log has the secret"
