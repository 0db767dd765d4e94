#!/bin/sh
# python3: multiprocessing by fork and by spawn, subprocess with inherited
# descriptors and working directory, threads.
. "${0%/*}/lib.sh"
requires "$PY"

both '"$PY" -u "$py/multiprocess.py"'
both 'cp "$py/multiprocess.py" "$D/multiprocess.py"; cd "$D"; "$PY" multiprocess.py'
