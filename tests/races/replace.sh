#!/bin/sh
# S4: who opens a name that is being replaced has a file, old or new, whole.
. "${0%/*}/races.sh"

race replace
