#!/bin/sh
# grep -r and its relatives on a tree of some hundred files.
. "${0%/*}/lib.sh"

both '
mkdir -p "$D/s"; cp -r "$srcdir/core" "$srcdir/docs" "$D/s"
cd "$D"
grep -r --include="*.[ch]" -c errno s | sort
grep -rn "include <" s | sort | md5sum; grep -rl static "$D/s" | sort
grep -q nothing_of_that_name -r s || echo "no match: $?"
grep x none 2>&1 || echo "missing: $?"
printf "\0bin\n" >b; grep -c bin b; grep -R . s | wc -l
wc -l s/core/*.h | tail -n 1; sort -u s/core/*.h | md5sum
head -n 3 s/core/wire.h; tail -n 2 s/core/wire.h; tail -c 20 s/core/wire.h
md5sum s/core/*.c | md5sum -c | sort; diff -r "$srcdir/core" s/core && echo same
cmp s/core/wire.c s/core/wire.h | head -c 30; tac s/core/util.h | md5sum
od -c s/core/util.h | md5sum; file -b s/core/util.h 2>/dev/null || :
'
