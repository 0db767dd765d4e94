#!/bin/sh
# S4: rename a b against rename b a leaves one file, whole; exchanges leave
# both.
. "${0%/*}/races.sh"

race swap
race exchange
