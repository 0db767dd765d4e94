#!/bin/sh
# What the journal costs, and how fast a daemon is back:
#   sh tests/bench/journal.sh [INODES] [ROUNDS]
# Create + unlink pairs a second, without and with it in turn; then a daemon
# with so many inodes is killed and started, from its log and from a checkpoint.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
inodes=${1:-1000000} rounds=${2:-5}
many=$top/tests/bench/many
[ -x "$many" ] || { echo "make tests/bench/many first" >&2; exit 1; }
T=$(mktemp -d "${TMPDIR:-/tmp}/bfs-journal.XXXXXX")
stop() { [ ! -s "$T/$1.run/pid" ] || kill "$(cat "$T/$1.run/pid")" 2>/dev/null || :; }
trap 'stop none; stop lmdb; rm -rf "$T"' EXIT
bfs() { "$top/run" benchfs "$@"; }
start() { bfs start --run-dir "$T/$1.run" -d "$T/$1.data" -o metadata.journal="$1"; }
in_it() (
	which=$1
	shift
	eval "$(bfs env --run-dir "$T/$which.run")"
	exec "$@"
)
now() { date +%s.%N; }
since() { echo "$(now) - $1" | bc; }
for j in none lmdb; do start $j; done
echo "create + unlink pairs a second, 20,000 in each round:"
for n in $(seq "$rounds"); do
	for j in none lmdb; do
		printf '  %s %s' $j "$(in_it $j "$many" cycle /benchfs 0 20000)"
		in_it $j rm -r /benchfs/0
	done
	echo
done
bfs stop --run-dir "$T/none.run"
rss() { awk '/VmRSS/ {print $2}' "/proc/$(cat "$T/lmdb.run/pid")/status"; }
empty=$(rss)
echo "$inodes files: $(in_it lmdb "$many" create /benchfs 0 "$inodes") creates a second"
echo "memory: $((($(rss) - empty) * 1024 / inodes)) bytes an inode"
du -sh "$T/lmdb.data/meta"
for n in 1 2; do
	pid=$(cat "$T/lmdb.run/pid")
	kill -9 "$pid"
	while grep -qs '^State:.[^XZ]' "/proc/$pid/task/"*/status; do sleep 0.01; done
	t=$(now)
	start lmdb
	echo "start $n: $(since "$t") s; memory: $((($(rss) - empty) * 1024 / inodes)) bytes an inode"
	in_it lmdb ls "/benchfs/$((inodes / 1000 - 1))" | wc -l
	sleep 20
	du -sh "$T/lmdb.data/meta"
done
