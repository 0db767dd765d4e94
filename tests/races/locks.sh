#!/bin/sh
# S10: who holds a lock is alone, and the dead hold none.
. "${0%/*}/races.sh"

for kind in posix ofd flock; do
	race $kind
done
