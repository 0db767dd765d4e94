#!/bin/sh
# S3: O_APPEND writes of eight processes never overlap and never tear.
. "${0%/*}/lib.sh"
requires "$PY"

inside '
"$PY" "$py/append.py"
# by shells, each line with its own open
for p in 1 2 3 4 5 6 7 8; do
	(i=0; while [ $i -lt 40 ]; do echo "$p $i" >>"$D/lines"; i=$((i + 1)); done) &
done
wait
want "$(sort -u "$D/lines" | wc -l)" 320
want "$(wc -l <"$D/lines")" 320
'
