#!/bin/sh
# Not kept yet (S9): setfsuid and setfsgid, which are a thread's own, do not
# count.
. "${0%/*}/lib.sh"
requires_root
requires "$PY"

run_options='-o auth.allow_users=*'
set -f # it holds a star
inside '"$PY" -c "
import ctypes, os, sys
open(sys.argv[1] + \"/f\", \"w\").close()
os.chmod(sys.argv[1] + \"/f\", 0o600)
ctypes.CDLL(None).setfsuid(1000)
try:
    open(sys.argv[1] + \"/f\")
except PermissionError:
    sys.exit(0)
sys.exit(1)
" "$D"'
