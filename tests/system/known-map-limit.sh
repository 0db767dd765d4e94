#!/bin/sh
# Not kept yet: under a space limit a file cannot be mapped shared and writable.
. "${0%/*}/lib.sh"
requires "$PY"

run_options='-o storage.max_storage_gb=1'
inside '"$PY" -c "
import mmap, os, sys
fd = os.open(sys.argv[1] + \"/f\", os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 4096)
m = mmap.mmap(fd, 4096)
m[0] = 120
sys.exit(os.pread(fd, 1, 0) != b\"x\")
" "$D"'
