#!/bin/sh
# run.sh TARGET...: each under libFuzzer, from its own seeds and from what
# earlier runs have found ($CORPUS, if that is set), for $SECONDS seconds or
# $RUNS runs; $FUZZ_SEED, if it is set, makes them the same again.  make
# check-fuzz calls it.  What kills a target is left in
# crash-<target>.*, the inputs before it, which it may need, in
# crash-<target>.history; `tests/fuzz/TARGET FILE` runs them again.
set -u
: "${builddir:=.}" "${RUNS:=-1}"
# not the shell's own $SECONDS, which counts
seconds=${FUZZ_SECONDS:-30}
[ "$RUNS" = -1 ] || seconds=0

T=$(mktemp -d "${TMPDIR:-/tmp}/bfs-fuzz.XXXXXX")
trap 'rm -rf "$T"' EXIT
trap 'exit 130' INT TERM
TMPDIR=$T
[ ! -w /dev/shm ] || TMPDIR=$(mktemp -d /dev/shm/bfs-fuzz.XXXXXX)
trap 'rm -rf "$T" "$TMPDIR"' EXIT
export TMPDIR
# A world outlives an input, so what an input leaves behind is no leak; what is
# left at the end is.
ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:abort_on_error=1}
export ASAN_OPTIONS

bad=0
for target; do
	corpus=${CORPUS:-$T}/$target
	mkdir -p "$corpus" "$T/seeds-$target"
	"$builddir/tests/fuzz/$target" -w "$T/seeds-$target" || exit 1
	history=crash-$target.history
	if FUZZ_HISTORY=$T/history "$builddir/tests/fuzz/fuzz-$target" \
		-detect_leaks=0 -runs="$RUNS" -max_total_time="$seconds" \
		-seed="${FUZZ_SEED:-0}" -max_len=4096 -timeout=60 -rss_limit_mb=4096 -verbosity=0 \
		-print_final_stats=1 -artifact_prefix="crash-$target." \
		"$corpus" "$T/seeds-$target" >"$T/log" 2>&1; then
		echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' \
			"$T/log") runs"
	else
		bad=1
		cp "$T/history" "$history" 2>/dev/null
		tail -n 60 "$T/log" >&2
		echo "$target: FAIL" >&2
	fi
done
exit $bad
