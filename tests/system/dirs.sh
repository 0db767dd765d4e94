#!/bin/sh
# Directory streams of C programs: 10,000 entries, positions, changes while
# reading, getdents64, scandir, streams shared by fork and threads.
. "${0%/*}/lib.sh"

both '"$helpers/dirs" "$D" && chmod 700 "$D/secret" && rm -r "$D"/*'
