#!/bin/sh
# Threads of one process that use files, fork and get signals at once; threads
# that open and close while others fork; threads at one thing at once; a
# cancelled thread.
. "${0%/*}/lib.sh"

both '"$helpers/threads" "$D"; rm "$D/shared"; ls "$D" | wc -l'
both '"$helpers/together" "$D"'
requires "$PY"
both '"$PY" "$py/threads.py"'
