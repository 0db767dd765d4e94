#!/bin/sh
# S3: appends of several processes neither overlap nor tear.
. "${0%/*}/races.sh"

race append
