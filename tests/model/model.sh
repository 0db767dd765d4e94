#!/bin/sh
# S1-S11 by comparison: random calls by several processes have the same results
# in BenchFS and in a real directory.  SEED and STEPS choose; HOURS goes on with
# new seeds for so long, of which each fourth is with TIMES.
. "${0%/*}/../system/lib.sh"

# With TIMES the times of files are compared too, which takes longer.
# Striped files have no COLLAPSE_RANGE and INSERT_RANGE (STRIPING.md).
[ "${BENCHFS_STORAGE_PLACEMENT:-}" != stripe ] || export MODEL_STRIPED=1
seeds=${SEED:-1 5 6 7 9}
hours=${HOURS:-0}
chmod 755 "$T"
# Each has a parent of its own, since ../e is outside.
mkdir -p "$T/b" "$T/r/real"
mnt=$T/b/bfs
chmod 777 "$T/r/real"
# Identities are changed among the calls, which all must reach the daemon.
printf 'auth: { allow_users = "*"; };\n' >"$T/conf"
run_options="-c $T/conf -d $T/data ${BENCHFS_TEST_OPTIONS:-}"
limit=$((limit + ${hours%%.*} * 3600 + 600))
end=$(($(date +%s) + ${hours%%.*} * 3600))
one() {
	plain=
	# The preload library must not be seen in the real directory either.
	[ $(($1 % 2)) -eq 0 ] || plain=--plain
	if ! bfs "$builddir/tests/model/model" --seed "$1" \
		--steps "${STEPS:-2500}" --procs 3 ${plain:-} \
		${TIMES:+--times} ${TRACE:+--trace} --save "$T/steps" \
		"$mnt" "$T/r/real" >"$T/out" 2>&1; then
		cat "$T/out"
		cat "$T/steps"
		fail "seed $1"
	fi
	cat "$T/out"
}
for seed in $seeds; do
	one "$seed"
done
if [ -z "${SEED:-}" ] && [ -z "${TIMES:-}" ]; then
	TIMES=1 STEPS=1500 one 4
fi
[ "$hours" = 0 ] || STEPS=${STEPS:-5000}
while [ "$(date +%s)" -lt "$end" ]; do
	seed=$((seed + 1))
	TIMES=
	[ $((seed % 4)) -ne 3 ] || TIMES=1
	one "$seed"
done
