#!/bin/sh
# Mappings of one file on several nodes: what is stored and what is written is
# seen, a second node that stores gets ENODEV, nothing is lost with a process
# that is killed (D2a), and what any node executes is not written.
. "${0%/*}/lib.sh"
requires "$PY"
# whole: what is opened on its own node is passed through
cluster 4 2 -o storage.placement=whole
"$PY" "$srcdir/tests/cluster/maps.py" "$mnt" || fail "see above"
check_real_is_empty maps
