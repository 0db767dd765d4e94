#!/bin/sh
# How BenchFS scales, as a table: the rates in one directory of many files
# against those in one of 10 k in a second file system, whose turns come in
# between; memory for each inode; 10 k directories deep and wide, and the limits
# of paths; 256 client processes; how soon a killed daemon is back.
#   [FILES="1000000 50000"] [SMALL=10000] [PROCESSES=2] [CLIENTS=256] tests/bench/scale.sh [DAEMONS...]
# FILES: for each number of daemons; the last one for the others too.  A ratio
# holds on a busy machine, a rate does not.
# ("make bench-scale" builds what it needs, and runs it for 1, 16 and 64.)
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
builddir=${builddir:-$here}
scale=$builddir/tests/bench/scale
files=${FILES:-1000000 50000} small=${SMALL:-10000} processes=${PROCESSES:-2} clients=${CLIENTS:-256}
[ $# -gt 0 ] || set -- 1
T=$(mktemp -d "${TMPDIR:-/tmp}/bfs-scale.XXXXXX")
up=
bfs() { "$builddir/run" benchfs "$@"; }
stop_all() {
	for fs in $up; do bfs stop --run-dir "$T/$fs.run" || :; done
	up=
}
trap 'stop_all; rm -rf "$T"' EXIT
trap 'exit 130' INT TERM HUP

now() { date +%s%N; }
since() { echo "$((($(now) - $1) / 1000000))"; }

# start NAME N: a file system of its own, with N daemons.
start() {
	up="$up $1"
	bfs start -n "$2" --run-dir "$T/$1.run" -d "$T/$1.data"
}
# in_it NAME COMMAND...
in_it() (
	eval "$(bfs env -m /benchfs --run-dir "$T/$1.run")"
	shift
	exec "$@"
)
pids() { find "$T/$1.run" -name pid -exec cat {} +; }
# The resident memory of the daemons, in KiB.
memory() {
	for pid in $(pids "$1"); do
		sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status"
	done | awk '{ sum += $1 } END { print sum + 0 }'
}

# What happens while the directory is full: our standard output is the table's.
full() {
	echo "memory $1 $(memory big)"
	[ "$2" = 1 ] || return 0
	pid=$(pids big)
	kill -9 "$pid"
	while grep -qs '^State:.[^XZ]' "/proc/$pid/task/"*/status; do sleep 0.01; done
	t=$(now)
	bfs start --run-dir "$T/big.run" -d "$T/big.data"
	in_it big ls -d /benchfs/big >/dev/null
	echo "restart $1 $(since "$t")"
	echo "memory-after-restart $1 $(memory big)"
}

table() {
	awk -v small="$small" '
	FILENAME ~ /beside$/ { n[$1] += $2; s[$1] += $3; next }
	$1 == "empty" { empty = $3; next }
	$1 ~ /^memory/ {
		printf "%-28s %12d bytes for each of %d files\n", $1,
			($3 - empty) * 1024 / $2, $2
		next
	}
	$1 ~ /^(restart|start|stop)/ {
		printf "%-28s %12.3f s (%d)\n", $1, $3 / 1000, $2
		next
	}
	$3 > 0 {
		printf "%-28s %12d /s", $1 " (" $2 ")", $2 / $3
		if (n[$1])
			printf " %10d /s at %d, ratio %.2f", n[$1] / s[$1], small,
				$2 / $3 * s[$1] / n[$1]
		printf "\n"
	}' "$T/beside" "$T/out"
}

echo "# $(uname -r), $(nproc) CPUs: $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)"
echo "# data on $(stat -f -c %T "$T"), $processes processes, load $(cut -d' ' -f1 /proc/loadavg), $(git -C "$here" describe --always 2>/dev/null || :)"
for n; do
	count=${files%% *}
	case $files in *" "*) files=${files#* } ;; esac
	rm -rf "$T"/*.data "$T"/*.run
	deep=$small
	[ "$n" -le 16 ] || deep=$((small / 5)) # each level asks many daemons
	t=$(now)
	start big "$n"
	echo "start-daemons $n $(since "$t")" >"$T/out"
	start small "$n"
	rm -f "$T/turns.there" "$T/turns.back"
	mkfifo "$T/turns.there" "$T/turns.back"
	# connections to each other are made once
	in_it big "$scale" files /benchfs/warm 1000 "$processes" >/dev/null
	echo "empty 0 $(memory big)" >>"$T/out"
	SCALE_TURNS=$T/turns in_it small "$scale" beside /benchfs/small "$small" \
		"$processes" >"$T/beside" &
	beside=$!
	# the memory and the restart are asked for by a shell outside
	mkfifo "$T/full" "$T/go-on"
	SCALE_TURNS=$T/turns SCALE_FULL="echo >$T/full; read -r x <$T/go-on" \
		in_it big "$scale" files /benchfs/big "$count" "$processes" \
		>>"$T/out" &
	big=$!
	read -r _ <"$T/full"
	full "$count" "$n" >>"$T/out"
	echo >"$T/go-on"
	wait $big
	wait $beside
	rm "$T/full" "$T/go-on"
	{
		in_it big "$scale" wide /benchfs/wide "$small" "$processes"
		in_it big "$scale" deep /benchfs/deep "$deep" 1
		in_it big "$scale" clients /benchfs/clients 100 "$clients"
	} >>"$T/out"
	t=$(now)
	stop_all
	echo "stop-both $n $(since "$t")" >>"$T/out"
	echo "$n daemon(s):"
	table
done
