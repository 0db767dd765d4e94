#!/bin/sh
# start64.sh [N]: how long N daemons (64) on this machine take to start and to
# stop; the median of five.  A measurement, not a test.
. "${0%/*}/../system/lib.sh"
n=${1:-64}
at_exit='"$builddir/run" benchfs stop 2>/dev/null || :'
for _ in 1 2 3 4 5; do
	a=$(date +%s%N)
	"$builddir/run" benchfs start -n "$n" || fail "start: $?"
	b=$(date +%s%N)
	"$builddir/run" benchfs stop || fail "stop: $?"
	c=$(date +%s%N)
	echo $(((b - a) / 1000000)) $(((c - b) / 1000000))
done | sort -n | awk -v n="$n" 'NR == 3 {
	printf "%d daemons: started in %d ms, stopped in %d ms\n", n, $1, $2 }'
