#!/bin/sh
# What placement costs small files: unpacking, git and a build by gcc in
# directories of placement whole and stripe, in turns, on one node of N with a
# daemon each (1: N daemons on one node).  Medians in seconds.  Root only.
#	tests/bench/placement.sh [NODES [ROUNDS]]
. "${0%/*}/../cluster/lib.sh"
requires git gcc tar
n=${1:-4} rounds=${2:-5}
limit=1800
if [ "$n" = 1 ]; then cluster 1 4; else cluster "$n" 1; fi
tar -C "$srcdir" -cf "$T/src.tar" core server
cat >"$T/work" <<'END'
set -e
mkdir "$1/t"
now() { date +%s.%N; }
a=$(now)
tar -C "$1/t" -xf "$T/src.tar"
b=$(now)
cd "$1/t"
git init -q && git add -A && git -c user.name=a -c user.email=b commit -qm c && git status --short
c=$(now)
for f in core/wire.c core/place.c core/layout.h; do
	gcc -std=gnu11 -D_GNU_SOURCE -I. -I"$2" -include "$2/config.h" -c "$f" -o x.o 2>/dev/null || :
done
d=$(now)
cat core/*.c server/*.c >/dev/null
cp -r server server2
e=$(now)
cd / && rm -r "$1/t"
f=$(now)
echo "$a $b $c $d $e $f" | awk '{ for (i = 1; i < 6; i++) printf "%.3f ", $(i + 1) - $i; print $6 - $1 }'
END
for p in whole stripe local; do
	on 1 mkdir "$mnt/$p"
	on 1 "$PY" -c 'import os, sys
os.setxattr(sys.argv[1], "user.benchfs.placement", sys.argv[2].encode())' "$mnt/$p" $p
done
for _ in $(seq "$rounds"); do
	for p in whole stripe local; do
		on 1 sh "$T/work" "$mnt/$p" "$builddir" >>"$T/times.$p" || fail "$p"
	done
done
echo "load $(cut -d' ' -f1 /proc/loadavg)"
echo "           tar    git    gcc    read, cp   rm   all"
for p in whole stripe local; do
	"$PY" -c 'import statistics, sys
rows = [list(map(float, l.split())) for l in open(sys.argv[1])]
print(f"{sys.argv[2]:8}", *(f"{statistics.median(c):6.2f}" for c in zip(*rows)))' "$T/times.$p" $p
done
