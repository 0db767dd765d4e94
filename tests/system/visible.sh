#!/bin/sh
# S1: when a call that changes something returns, every later call of every
# process sees it, with descriptors that are passed through and with others.
. "${0%/*}/lib.sh"
requires "$PY"

both '"$PY" "$py/visible.py" 1200; ls -R "$D" | wc -l; rm -r "$D"/*'
run_options='-o storage.max_storage_gb=1'
inside '"$PY" "$py/visible.py" 1200'
