#!/bin/sh
# S1, S4: directories are renamed while paths below them are walked.
. "${0%/*}/races.sh"

race walks
