#!/bin/sh
# A client over UCX of a daemon that passes descriptors to others: files of all
# daemons of the node are served to it, and none is promised (S1).
BENCHFS_TEST_DAEMONS=3
export BENCHFS_TEST_DAEMONS
. "${0%/*}/lib.sh"
[ "${BENCHFS_TRANSPORT:-}" != ucx ] || skip "the daemon passes nothing"
bfs sh -ec '
	cd "$mnt"
	for i in 1 2 3 4 5 6 7 8 9; do
		echo "text $i" >f$i
		BENCHFS_TRANSPORT=ucx cat f$i >"$T/out"
		[ "$(cat "$T/out")" = "text $i" ]
		BENCHFS_TRANSPORT=ucx sh -c "echo more >>f$i; echo new >g$i"
		[ "$(cat f$i g$i)" = "text $i
more
new" ]
		mkfifo p$i
		BENCHFS_TRANSPORT=ucx cat p$i >"$T/out" &
		echo "by p$i" >p$i
		wait $!
		[ "$(cat "$T/out")" = "by p$i" ]
	done' || fail "status $?"
