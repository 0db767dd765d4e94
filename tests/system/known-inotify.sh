#!/bin/sh
# Not kept yet: inotify on a path in BenchFS is ENOSYS.
. "${0%/*}/lib.sh"
requires "$PY"

inside '"$PY" -c "
import ctypes, os, sys
libc = ctypes.CDLL(None)
fd = libc.inotify_init1(0)
sys.exit(libc.inotify_add_watch(fd, sys.argv[1].encode(), 0x100) < 0)
" "$D"'
