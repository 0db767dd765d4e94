#!/bin/sh
# make bench-check: how many instructions of our own code the hot paths take,
# against paths.expected; libc's and the kernel's are not counted.  It fails if
# one takes more than 5 % more.  make bench-record writes them down anew: say in
# the commit why they have grown.
#   [CFLAGS=...] paths.sh bench-check|bench-record
# Counts depend on how much was optimised, so there is a column for -O1 and one
# for -O2, by gcc 12.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
srcdir=${srcdir:-$here} builddir=${builddir:-$here}
expected=$srcdir/tests/bench/paths.expected
times=100
level=$(printf '%s\n' "${CFLAGS:-}" | grep -oE -- '-O[^ ]*' | tail -n 1)
case $level in
-O1) column=2 ;;
-O2) column=3 ;;
*)
	echo "bench-check: skipped: built with \"${level:-no -O}\", and counts" \
		"are recorded for -O1 and -O2" >&2
	exit 0
	;;
esac
for cmd in valgrind callgrind_annotate; do
	command -v $cmd >/dev/null && continue
	echo "bench-check: skipped: needs $cmd" >&2
	exit 0
done

T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
TMPDIR=$T
export TMPDIR

# collect CMD...: under callgrind; counts in hot_*() only.
collect() {
	rm -f "$T/out"
	"$@" >"$T/log" 2>&1 && [ -s "$T/out" ] && return
	cat "$T/log" >&2
	echo "bench-check: $*: failed" >&2
	exit 1
}
grind="valgrind --tool=callgrind --toggle-collect=hot_* --callgrind-out-file=$T/out"

# count NAME OBJECT: instructions of one call in that object.
count() {
	callgrind_annotate --threshold=100 --auto=no "$T/out" |
		grep "$2\\]\$" | tr -d , |
		awk -v name="$1" -v times=$times '{ sum += $1 }
			END { printf "%s %.1f\n", name, sum / times }' >>"$T/counts"
}

# shellcheck disable=SC2086 # $grind is a list of words
measure() {
	for path in codec stat stat_deep open read write create unlink rename \
		readdir; do
		collect $grind "$builddir/tests/bench/paths" $times $path
		count $path bench/paths
	done
	preload=libbenchfs_preload.so
	for path in foreign_pread foreign_stat foreign_open; do
		collect env LD_PRELOAD="$builddir/preload/.libs/$preload" \
			BENCHFS_MOUNT=/benchfs BENCHFS_RUN_DIR="$T" \
			$grind "$builddir/tests/bench/foreign" $times "$T/file" $path
		count $path $preload
	done
	collect "$builddir/run" benchfs run -m "/benchfs-$$" -- \
		$grind "$builddir/tests/bench/foreign" $times "/benchfs-$$/file" \
		ours_pread
	count ours_pread $preload
}

# compare: the counts beside the recorded ones; 1 if one has grown.
compare() {
	awk -v column=$column '
	FILENAME == ARGV[1] { if ($1 !~ /^#/) want[$1] = $column; next }
	{
		grown = want[$1] > 0 ? ($2 / want[$1] - 1) * 100 : 100
		word = want[$1] == "" ? "NOT RECORDED" : grown > 5 ? "GROWN" : ""
		printf "%-14s %9.1f %9.1f %+6.1f %% %s\n",
			$1, want[$1], $2, grown, word
		bad += word != ""
	}
	END { exit bad > 0 }' "$expected" "$T/counts"
}

# record: that column anew, the other as it was.
record() {
	touch "$expected"
	{
		echo "# Instructions of a call: name, with -O1, with -O2." \
			"make bench-record writes this."
		awk -v column=$column '
		FILENAME == ARGV[1] { if ($1 !~ /^#/) { o[$1, 2] = $2; o[$1, 3] = $3 } next }
		{
			o[$1, column] = $2
			for (c = 2; c <= 3; c++)
				if (o[$1, c] == "")
					o[$1, c] = "-"
			print $1, o[$1, 2], o[$1, 3]
		}' "$expected" "$T/counts"
	} >"$T/new"
	cat "$T/new" >"$expected"
}

measure
case ${1:-bench-check} in
bench-record) record && cat "$expected" ;;
*) compare ;;
esac
