#!/bin/sh
# S11: readdir under change returns once what existed throughout.
. "${0%/*}/races.sh"

race listing
