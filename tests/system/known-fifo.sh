#!/bin/sh
# Not kept yet (S8): the descriptor of a fifo that is open is not known as one of
# BenchFS, so that fstat and fchmod of it mean the file that stands for it.
. "${0%/*}/lib.sh"
requires "$PY"

inside '"$PY" -c "
import os, sys
os.chdir(sys.argv[1])
os.mkfifo(\"p\", 0o600)
fd = os.open(\"p\", os.O_RDWR)
os.fchmod(fd, 0o640)
sys.exit(os.stat(\"p\").st_mode & 0o777 != 0o640 or not os.path.sameopenfile(fd, os.open(\"p\", os.O_PATH)))
" "$D"'
