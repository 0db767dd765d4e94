# shellcheck shell=sh
# Sourced first by what needs a cluster of several nodes.  Nodes are network
# namespaces, each with its own address on a bridge; all of them lie in a
# namespace of this script's (network, processes, mounts), so that whatever ends
# the script ends everything in it, and nothing listens outside.  Root only.
#   net N                makes n1 to nN, with 10.77.0.1 and so on
#   cluster N K ARGS...  net N, and K daemons on each; more options of start
#   node I CMD ARGS...   runs a command on node I
#   on I CMD ARGS...     the same, served by the node's daemon
# and what tests/system/lib.sh gives.  $run is the cluster's run directory.
if [ -z "${BFS_TEST_INSIDE:-}" ]; then
	for cmd in ip unshare nsenter; do
		command -v "$cmd" >/dev/null ||
			{ echo "$0: SKIP: needs $cmd" >&2; exit 77; }
	done
	unshare --net --mount --pid --fork true 2>/dev/null ||
		{ echo "$0: SKIP: cannot make namespaces" >&2; exit 77; }
	BFS_TEST_INSIDE=1
	export BFS_TEST_INSIDE
	exec unshare --net --mount --pid --fork --kill-child --mount-proc \
		sh "$0" "$@"
fi
. "${0%/*}/../system/lib.sh"
run=$T/r
mkdir "$T/bin" "$T/node"
PATH=$T/bin:$PATH
BFS_NODES=$T/node # a test that is run on a node has another $T
# a program with much data of other nodes opens UCX
BENCHFS_MODULEDIR=$builddir/core/.libs
export run BFS_NODES BENCHFS_MODULEDIR

# node, as a command: for ssh, for `on`, and for what tests start.
cat >"$T/bin/node" <<'END'
#!/bin/sh
i=$1
shift
exec nsenter --net="/proc/$(cat "$BFS_NODES/$i")/ns/net" \
	env BENCHFS_NODE_NODE_ID="n$i" "$@"
END

# on, with what `benchfs env` says there.
cat >"$T/bin/on" <<'END'
#!/bin/sh
i=$1
shift
exec node "$i" sh -c '. "$0" && exec "$@"' "$BFS_NODES/env.$i" "$@"
END

# ssh nI COMMAND
cat >"$T/bin/ssh" <<'END'
#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
host=$1
shift
exec node "${host#n}" env -i PATH="$PATH" HOME="$HOME" BFS_NODES="$BFS_NODES" \
	sh -c "$*"
END
chmod +x "$T"/bin/*

benchfs() {
	timeout -k 10 "$limit" "$builddir/run" benchfs "$@"
}

# A namespace of its own, for as long as a process sleeps in it.
add_node() {
	unshare --net sleep infinity &
	echo $! >"$T/node/$1"
	for _ in $(seq 500); do
		[ "$(readlink "/proc/$!/ns/net")" = "$(readlink /proc/1/ns/net)" ] ||
			break
		sleep 0.01
	done
	ip link add "to$1" type veth peer name eth0 netns $! ||
		skip "cannot make veth devices"
	ip link set "to$1" master br0 up
	nsenter --net="/proc/$!/ns/net" sh -ec "
		ip link set lo up
		ip addr add 10.77.0.$1/24 dev eth0
		ip link set eth0 up"
}

net() {
	nodes=$1
	ip link set lo up
	ip link add br0 type bridge 2>/dev/null || skip "cannot make a bridge"
	ip link set br0 up
	for i in $(seq "$nodes"); do
		add_node "$i"
	done
}

cluster() {
	net "$1"
	per_node=$2
	shift 2
	# word splitting is wanted
	# shellcheck disable=SC2086
	benchfs start --launcher ssh --hosts "n[1-$nodes]" -n "$per_node" \
		--run-dir "$run" -o network.bind_addr=eth0 \
		-o network.registry_dir="$T/registry" \
		${BENCHFS_TEST_OPTIONS:-} "$@" ||
		fail "a cluster of $nodes x $per_node does not start: $?"
	for i in $(seq "$nodes"); do
		BENCHFS_NODE_NODE_ID=n$i benchfs env -m "$mnt" \
			--run-dir "$run" >"$T/node/env.$i" ||
			fail "no environment for n$i"
	done
	at_exit='benchfs stop --run-dir "$run" 2>/dev/null || :'
}
