#!/bin/sh
# Defects of a comparable file system: a rename between two servers was
# refused, or lost what was renamed.  Here names enough to lie on all daemons.
. "${0%/*}/races.sh"

cat >"$T/across" <<'END'
set -eu
cd "$1"
want() { [ "$1" = "$2" ] || { echo "wanted '$1', got '$2'" >&2; exit 1; }; }
mkdir from to
i=0
while [ $i -lt 60 ]; do
	echo $i >from/f$i
	mkdir from/d$i
	echo in $i >from/d$i/inside
	i=$((i + 1))
done
ino=$(stat -c %i from/f7 from/d7)
"$PY" - <<'PY'
import os
for i in range(60):
    os.rename(f'from/f{i}', f'to/g{i}')
    os.rename(f'from/d{i}', f'to/e{i}')
    os.link(f'to/g{i}', f'from/l{i}')       # and a link, and a rename over it
for i in range(0, 60, 2):
    os.rename(f'to/g{i}', f'to/g{i + 1}')   # replaces
    os.rename(f'to/e{i}', f'from/e{i}')     # and back
PY
want "$ino" "$(stat -c %i from/l7 to/e7)"
i=0
while [ $i -lt 60 ]; do
	want $i "$(cat from/l$i)"
	want "in $i" "$(cat ./*/e$i/inside)"
	i=$((i + 1))
done
want 30 "$(ls to | grep -c ^g)"
i=0
while [ $i -lt 60 ]; do
	want $i "$(cat to/g$((i + 1)))"
	# of the pair, one is left in "to"
	want 2 "$(stat -c %h from/l$i)"
	want 1 "$(stat -c %h from/l$((i + 1)))"
	i=$((i + 2))
done
want 32 "$(stat -c %h from)"
want 32 "$(stat -c %h to)"
rm -r from to
END
requires "$PY"
crew sh "$T/across" "$dir"
