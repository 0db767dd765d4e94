#!/bin/sh
# Names with newlines and bytes that are no UTF-8, names of 255 and 256 bytes,
# paths of 4095 and 4096 bytes, dots and slashes.
. "${0%/*}/lib.sh"
requires "$PY"

both '"$PY" "$py/names.py"; rm -rf "$D"/deep'
both '
cd "$D"; n=$(printf "a\nb\377"); echo x >"$n"; ls -b; ls -Q; cat "$n"; find . -type f -print0 | od -c; echo *; rm "$n"; ls -A
n=$(printf "%0255d" 1); echo long >"$n"; cat "$n"; mv "$n" x; echo y >"${n}2" 2>/dev/null || echo "too long"; ls
'
