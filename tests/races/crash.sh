#!/bin/sh
# D1, D3, F1: daemons are killed by kill -9 while several processes work, and
# started again on their directories; the same processes go on, and after each
# round all is there that was acknowledged.
. "${0%/*}/races.sh"
. "${0%/*}/killed.sh"
limit=$((limit + ${ROUNDS:-10} * 12))

# shellcheck disable=SC2034 # for crew
kept=$ours
crew "$races/crash" "$dir" "$T/crew" "${ROUNDS:-10}" "${CLIENTS:-4}" \
	"${SEED:-1}" "$daemons"
nothing_wrong
