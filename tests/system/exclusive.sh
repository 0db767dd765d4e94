#!/bin/sh
# S2: of any number of callers exactly one creates, makes, links or renames.
. "${0%/*}/lib.sh"
requires "$PY"

inside '"$PY" "$py/exclusive.py"
want "$(ls "$D" | grep -c "^to")" 25
want "$(ls "$D" | grep -c "^link")" 25
want "$(stat -c %h "$D"/src* | awk "{ s += \$1 } END { print s }")" 33'
