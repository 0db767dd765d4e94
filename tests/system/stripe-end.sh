#!/bin/sh
# S7: reading at or past the end of a striped file gives nothing and changes
# nothing; what O_TRUNC empties is empty, and stays so.
BENCHFS_TEST_DAEMONS=3
BENCHFS_TEST_OPTIONS='-o storage.placement=stripe -o storage.chunk_size=64K'
. "${0%/*}/lib.sh"
requires "$PY"
inside '"$PY" "$py/stripe_end.py" "$D" 65536'
