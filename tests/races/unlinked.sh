#!/bin/sh
# S5, S7: a file that another process unlinks lives on for who has it open.
. "${0%/*}/races.sh"

race unlinked
