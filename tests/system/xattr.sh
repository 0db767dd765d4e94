#!/bin/sh
# Extended attributes: set, create, replace, list, remove, sizes, links, limits.
. "${0%/*}/lib.sh"
requires "$PY"
"$PY" -c 'import os, sys; os.setxattr(sys.argv[1], "user.a", b"1")' "$T" ||
	skip "no extended attributes in $T"

both '"$PY" "$py/xattr.py"'
inside '"$PY" "$py/xattr-limits.py"'
chmod 755 "$T"
[ "$(id -u)" != 0 ] || run_options='-o auth.allow_users=*'
set -f # it holds a star
both '"$PY" "$py/xattr-users.py"'
