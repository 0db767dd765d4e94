#!/bin/sh
# rmdir against create, mkdir and link in the directory: it goes, or all are
# made.
. "${0%/*}/races.sh"

race rmdir
