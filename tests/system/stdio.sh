#!/bin/sh
# stdio: modes, positions, buffers, shared descriptors, children, wide streams;
# the standard streams of a program that begin in BenchFS.
. "${0%/*}/lib.sh"

both '"$helpers/streams" "$D"'
both '
cd "$D"; seq 20 >in; "$helpers/streams" . <in >out 2>err; wc -l out
awk "{ print \$1 * 2 }" <in >>out; sort -rn <>in >sorted; bc <in | tail -n 1
"$PY" -c "print(input()); print(input())" <in >py; cat py; perl -ne "print" <in >pl; cmp in pl
"$PY" -c "
import sys
print(sys.stdin.readline(), end=\"\", flush=True)
" <in >>py; tail -n 1 py; { printf "a\n"; "$PY" -c "print(2)"; printf "c\n"; } >order; cat order
od -c <order >&2 2>od; wc -l <od; tr a-z A-Z <order >up; md5sum <up'
