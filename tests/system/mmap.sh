#!/bin/sh
# mmap, msync, mremap and munmap: mappings, reads, writes and processes agree.
. "${0%/*}/lib.sh"

both 'cd "$D"; "$helpers/maps" .; rm -f shared'
