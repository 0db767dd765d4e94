#!/bin/sh
# on-nodes.sh TEST: a system test on the first of 4 nodes, whose file systems
# are served by 2 daemons on each of them.
. "${0%/*}/lib.sh"
net 4
BENCHFS_TEST_OPTIONS="--launcher ssh --hosts n1,n2,n3,n4 -n 2 \
-o network.bind_addr=eth0 ${BENCHFS_TEST_OPTIONS:-}"
export BENCHFS_TEST_OPTIONS
# what storage.placement=auto is on several nodes
case "${BENCHFS_STORAGE_PLACEMENT:-}:$BENCHFS_TEST_OPTIONS " in
whole:* | local:* | *placement=whole* | *placement=local*) BENCHFS_TEST_FAR=1 ;;
*) BENCHFS_TEST_FAR=stripe ;;
esac
# the options that say how many follow lib.sh's own
BENCHFS_TEST_DAEMONS=${BENCHFS_TEST_DAEMONS:-8}
export BENCHFS_TEST_FAR BENCHFS_TEST_DAEMONS
# changes of names on several nodes take their time
export BENCHFS_TEST_LIMIT="${BENCHFS_TEST_LIMIT:-900}"
unset BENCHFS_TEST_MNT
rc=0
node 1 sh "$@" || rc=$?
exit $rc
