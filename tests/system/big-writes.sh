#!/bin/sh
# Writes of more than a message holds, through the daemon: the next piece is put
# in place while the daemon has the one before (client_ahead), and yet what ends
# early has written nothing beyond (D4), and pieces of appends stay whole (S3).
# kill-daemon.sh kills daemons that have such.
. "${0%/*}/lib.sh"
requires "$PY"

given=$run_options
run_options="$given -o storage.max_storage_gb=0.03"
for what in whole rlimit full append; do
	bfs "$PY" "$py/big-writes.py" $what "$mnt" "$daemons" ||
		fail "$what: $?"
done
