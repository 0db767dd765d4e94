#!/bin/sh
# S7: holes read as zeros, reading at or past the end gives 0 bytes.
. "${0%/*}/lib.sh"
requires "$PY"

both '"$PY" "$py/holes.py"'
both '
cd "$D"; truncate -s 3M f; cmp -n 3145728 f /dev/zero; printf x | dd of=f bs=1 seek=2000000 conv=notrunc status=none
tr -d "\0" <f; echo; truncate -s 2000001 f; tail -c 2 f | od -c; truncate -s +10 f; stat -c %s f
truncate -r f g; truncate -s "<100" g; truncate -s %4096 g; stat -c %s g; cp --sparse=always f h; cmp f h
fallocate -l 100000 k; stat -c %s k; fallocate -d k; fallocate -p -o 0 -l 8192 f; fallocate -x -l 10 k 2>&1 || :
'
