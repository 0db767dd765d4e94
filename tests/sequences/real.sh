#!/bin/sh
# D1: sequences of three calls by chance on daemons that are killed after each
# call.  COUNT, SEED
. "${0%/*}/../races/races.sh"
. "${0%/*}/../races/killed.sh"

# words are wanted
# shellcheck disable=SC2086
$BENCHFS_TEST_NODE_0 mkdir -p "$dir"
# shellcheck disable=SC2086,SC2154
timeout -k 10 "$limit" $BENCHFS_TEST_NODE_0 "$builddir/tests/sequences/real" \
	"$dir" "${COUNT:-300}" "${SEED:-1}" "$daemons" || fail "see above"
