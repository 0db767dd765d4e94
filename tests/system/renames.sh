#!/bin/sh
# rename, with RENAME_NOREPLACE and RENAME_EXCHANGE too, and link: from every
# kind of name to every other.
. "${0%/*}/lib.sh"

both '"$helpers/renames" "$D"'
