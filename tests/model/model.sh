#!/bin/sh
# S1-S11 by comparison: random calls by several processes have the same results
# in BenchFS and in a real directory.  SEED and STEPS choose; HOURS goes on with
# new seeds for so long.
. "${0%/*}/../system/lib.sh"

# What is known to agree: 12,500 steps.  The rest is in HACKING.md, "Open".
seeds=${SEED:-1 5 6 7 9}
hours=${HOURS:-0}
chmod 755 "$T"
mkdir -p "$T/real"
chmod 777 "$T/real"
# Identities are changed among the calls, which all must reach the daemon.
printf 'auth: { allow_users = "*"; };\n' >"$T/conf"
run_options="-c $T/conf -d $T/data"
limit=$((limit + ${hours%%.*} * 3600 + 600))
end=$(($(date +%s) + ${hours%%.*} * 3600))
one() {
	if ! bfs "$builddir/tests/model/model" --seed "$1" \
		--steps "${STEPS:-2500}" --procs 3 ${TIMES:+--times} --save "$T/steps" \
		"$mnt" "$T/real" >"$T/out" 2>&1; then
		cat "$T/out"
		cat "$T/steps"
		fail "seed $1"
	fi
	cat "$T/out"
}
for seed in $seeds; do
	one "$seed"
done
while [ "$(date +%s)" -lt "$end" ]; do
	seed=$((seed + 1))
	one "$seed"
done
