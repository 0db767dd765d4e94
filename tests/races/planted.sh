#!/bin/sh
# The checker of histories: it rejects what no order explains, each kind of
# error in a history of its own, and accepts the rest.
. "${0%/*}/races.sh"

set -- "$srcdir"/tests/races/planted/*.hist
wrong=$(head -qn 1 "$@" | grep -c '^# wrong')
[ "$wrong" -ge 20 ] || fail "only $wrong wrong histories"
"$races/check" "$@" >"$T/out" || { cat "$T/out"; fail "see above"; }
# Without the call that is wrong, the rest of each is right: it was rejected
# for that call, which is the last.
for file; do
	head -n 1 "$file" | grep -q wrong || continue
	{
		echo '# right'
		sed '1d;$d' "$file"
	} >"$T/${file##*/}"
done
"$races/check" "$T"/*.hist >"$T/out" || { cat "$T/out"; fail "see above"; }
echo "$wrong wrong histories"
