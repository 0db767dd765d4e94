#!/bin/sh
# S10: POSIX ranges, OFD locks and flock: conflicts, waiting, deadlock, death.
. "${0%/*}/lib.sh"
requires "$PY" flock

both '"$PY" "$py/locks.py"'
both '"$PY" "$py/locks-cases.py"'
both -s 'bash -eu' '
cd "$D"
exec 200>f; flock -n 200; (flock -n 200 && echo "the same description")
flock -n f echo no || echo "held"; flock -w 0.1 f echo no || echo "still held"
sh -c "until [ -e go ]; do sleep 0.01; done" 201>&200 & exec 200>&-
flock -n f echo no || echo "a child holds it"; : >go; wait; flock -n f echo free
flock f sh -c ": >held; sleep 0.1; echo first" & until [ -e held ]; do sleep 0.01; done; flock f echo second; wait
flock -s f flock -s -n f echo shared; flock -n . echo directory; flock new echo created; ls
for i in 1 2 3; do (for j in $(seq 6); do flock f sh -c "n=\$(cat n 2>/dev/null || echo 0); echo \$((n + 1)) >n"; done) & done; wait; cat n
'
