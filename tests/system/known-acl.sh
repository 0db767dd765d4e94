#!/bin/sh
# Not kept yet: POSIX access control lists are EOPNOTSUPP.
. "${0%/*}/lib.sh"
requires "$PY"

cat >"$T/acl.py" <<'END'
import os, struct, sys
os.chdir(os.environ['D'])
open('f', 'w').close()
entry = lambda tag, perm, id=0xffffffff: struct.pack('<HHI', tag, perm, id)
acl = struct.pack('<I', 2) + entry(1, 6) + entry(2, 4, 1234) + entry(4, 4) + entry(16, 4) + entry(32, 0)
os.setxattr('f', 'system.posix_acl_access', acl)
sys.exit(os.getxattr('f', 'system.posix_acl_access') != acl)
END
mkdir "$T/here"
D=$T/here "$PY" "$T/acl.py" 2>/dev/null || skip "no lists in $T"
inside '"$PY" "$T/acl.py"'
