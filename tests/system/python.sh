#!/bin/sh
# python3: os, shutil, tempfile, pathlib, scandir, walk, mmap, sendfile, fcntl.
. "${0%/*}/lib.sh"
requires "$PY"

both '"$PY" -u "$py/files.py" | sed "s/tmp[a-z0-9_]\{8\}/TMP/g"; rm "$D"/arch* 2>/dev/null || :'
