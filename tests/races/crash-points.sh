#!/bin/sh
# D1, D3, S4, F3: daemons and clients are killed at each kill point
# (core/kill.def) while several processes work; after each round all is there
# that was acknowledged.
. "${0%/*}/races.sh"

# The programs that have kill points.
faults=$builddir/tests/faults
mkdir "$T/lib"
ln -s "$faults/.libs/libbenchfs_preload_faults.so" "$T/lib/libbenchfs_preload.so"
ln -s "$builddir/preload/.libs/libbenchfs_audit.so" "$T/lib/"
head -c 65536 /dev/zero >"$T/points"
export BENCHFS_KILL_FILE="$T/points"
programs="env BENCHFS_LIBDIR=$T/lib BENCHFS_DAEMON=$faults/benchfsd"
. "${0%/*}/killed.sh"
limit=$((limit + ${ROUNDS:-10} * 30))

# shellcheck disable=SC2034 # for crew
kept=$ours
crew "$races/crash" "$dir" "$T/crew" "${ROUNDS:-10}" "${CLIENTS:-4}" \
	"${SEED:-1}" "$daemons"
nothing_wrong
