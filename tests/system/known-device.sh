#!/bin/sh
# Not kept yet: device nodes are entries that cannot be opened.
. "${0%/*}/lib.sh"
requires_root
mknod "$T/null" c 1 3 2>/dev/null || skip "may not make devices"
{ : <"$T/null"; } 2>/dev/null || skip "devices do not work in $T"

inside 'mknod "$D/null" c 1 3; echo x >"$D/null"; [ -z "$(cat "$D/null")" ]'
