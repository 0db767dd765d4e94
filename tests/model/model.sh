#!/bin/sh
# S1-S11 by comparison: random calls by several processes have the same results
# in BenchFS and in a real directory.  SEED and STEPS choose; HOURS goes on with
# new seeds for so long.  The default is what is known to agree; HACKING.md, "Open".
. "${0%/*}/../system/lib.sh"

seed=${SEED:-1}
hours=${HOURS:-0}
chmod 755 "$T"
mkdir -p "$T/real"
chmod 777 "$T/real"
# Identities are changed among the calls, which all must reach the daemon.
printf 'auth: { allow_users = "*"; };\n' >"$T/conf"
run_options="-c $T/conf -d $T/data"
limit=$((limit + ${hours%%.*} * 3600 + 600))
end=$(($(date +%s) + ${hours%%.*} * 3600))
while :; do
	if ! bfs "$builddir/tests/model/model" --seed "$seed" \
		--steps "${STEPS:-2000}" --procs 3 --save "$T/steps" \
		"$mnt" "$T/real" >"$T/out" 2>&1; then
		cat "$T/out"
		cat "$T/steps"
		fail "seed $seed"
	fi
	cat "$T/out"
	seed=$((seed + 1))
	[ "$(date +%s)" -lt "$end" ] || break
done
