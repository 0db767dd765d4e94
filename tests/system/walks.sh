#!/bin/sh
# glob, ftw, nftw, fts and temporary names of C programs, from one file system
# into the other by symlinks.
. "${0%/*}/lib.sh"

both '"$helpers/walks" "$D" "$W"'
inside '"$helpers/walks" "$D" "$W" stay'
