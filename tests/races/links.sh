#!/bin/sh
# S8: the link count is that of the names.
. "${0%/*}/races.sh"

race links
