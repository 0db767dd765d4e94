#!/bin/sh
# How BenchFS scales, as a table: the rates in one directory of FILES files
# against those in one of 10 k, memory for each inode, 10 k directories deep
# and wide, 256 client processes; for each number of daemons.
#   [FILES=1000000] [PROCESSES=2] [CLIENTS=256] tests/bench/scale.sh [DAEMONS...]
# It wants a quiet machine.  ("make check" has built tests/bench/scale.)
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
builddir=${builddir:-$here}
files=${FILES:-1000000} processes=${PROCESSES:-2} clients=${CLIENTS:-256}
[ $# -gt 0 ] || set -- 1
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT

# The resident memory of the daemons of this run, in KiB.
cat >"$T/memory" <<END
for p in /proc/[0-9]*; do
	cat \$p/cmdline 2>/dev/null | tr '\\0' ' ' |
		grep -q "^[^ ]*benchfsd.*$T/data" &&
		sed -n 's/^VmRSS:[^0-9]*\\([0-9]*\\).*/\\1/p' \$p/status
done | awk '{ sum += \$1 } END { print "memory", sum + 0, 0 }' >>"$T/out"
END
cat >"$T/work" <<END
set -e
scale="$builddir/tests/bench/scale"
sh "$T/memory"
env -u SCALE_FULL \$scale files /benchfs/small 10000 $processes | sed 's/^/small-/'
SCALE_FULL="sh $T/memory" \$scale files /benchfs/big $files $processes
\$scale wide /benchfs/wide 10000 $processes
\$scale deep /benchfs/deep 10000 1
\$scale clients /benchfs/clients 100 $clients
END

echo "$(nproc) CPUs, $processes processes, data on $(stat -f -c %T "$T")"
for n; do
	: >"$T/out"
	rm -rf "$T/data"
	start=$(date +%s%N)
	"$builddir/run" benchfs run -n "$n" -m /benchfs -d "$T/data" -- true
	echo "$n daemons: started and stopped in" \
		"$((($(date +%s%N) - start) / 1000000)) ms"
	rm -rf "$T/data"
	"$builddir/run" benchfs run -n "$n" -m /benchfs -d "$T/data" -- \
		sh "$T/work" >>"$T/out"
	awk -v files="$files" '
	$1 == "memory" { memory[m++] = $2; next }
	$3 > 0 { rate[$1] = $2 / $3; order[k++] = $1 }
	END {
		printf "%-20s %12s %12s %7s\n", "", "1/s", "at 10 k", "ratio"
		for (i = 0; i < k; i++) {
			w = order[i]
			if (w ~ /^small-/)
				continue
			printf "%-20s %12d", w, rate[w]
			if (rate["small-" w])
				printf " %12d %7.2f", rate["small-" w],
					rate[w] / rate["small-" w]
			printf "\n"
		}
		if (m == 2)
			printf "memory of the daemons for each file: %d bytes\n",
				(memory[1] - memory[0]) * 1024 / files
	}' "$T/out"
done
