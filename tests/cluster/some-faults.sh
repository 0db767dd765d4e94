#!/bin/sh
# Some of net-faults.sh: each fault, each with another workload.
set -- stop:readers kill:append cut:strided slow:tail
. "${0%/*}/net-faults.sh"
