#!/bin/sh
# S2: of all who make one name, by any call, one succeeds.
. "${0%/*}/races.sh"

for how in excl mkdir symlink link noreplace; do
	race $how
done
