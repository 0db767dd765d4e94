#!/bin/sh
# S4: while a name is replaced by rename, it is the old file or the new one.
. "${0%/*}/lib.sh"
requires "$PY"

inside '"$PY" "$py/rename-race.py"; want "$(ls "$D" | tr "\n" " ")" "target x y "'

# renameat2 by the book
both '"$PY" "$py/rename2.py"'
