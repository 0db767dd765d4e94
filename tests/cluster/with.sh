#!/bin/sh
# with.sh NODES PER_NODE COMMAND [ARGUMENT...]: the command with a cluster of
# NODES x PER_NODE daemons, in whose PATH `on I CMD` runs CMD on node I:
#	sh tests/cluster/with.sh 4 2 sh -c 'on 1 touch /benchfs/a; on 3 ls /benchfs'
BENCHFS_TEST_MNT=${BENCHFS_TEST_MNT:-/benchfs}
export BENCHFS_TEST_MNT
. "${0%/*}/lib.sh"
[ $# -ge 3 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 64; }
n=$1 k=$2
shift 2
cluster "$n" "$k"
PATH=$builddir:$PATH "$@"
