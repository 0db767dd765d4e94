#!/bin/sh
# F2 over UCX: the connection ends before a client's first message, or behind
# it, so that its answer is lost; then at the second, and so on.  Each call
# answers, and has its effect, as if nothing had happened.  EVERY=N: at every
# N-th.
. "${0%/*}/../system/lib.sh"
faults=$builddir/tests/faults
every=${EVERY:-11}
shim=$faults/.libs/libcut.so

BENCHFS_TRANSPORT=ucx UCX_TLS=tcp BENCHFS_CUT_LOG=$T/cuts
export BENCHFS_TRANSPORT UCX_TLS BENCHFS_CUT_LOG
cat >"$T/all" <<'END_ALL'
run() {
	BENCHFS_CUT="$1" LD_PRELOAD="$LD_PRELOAD $shim" \
		timeout -k 5 60 "$faults/script" "$mnt/d" keep &&
		"$faults/script" "$mnt/d" check ||
		{ echo "cut $1: the calls did not go as without it"; exit 1; }
	"$faults/script" "$mnt/d" clear && rmdir "$mnt/d"
}
run "0 request"
last=$(sed -n 's/^messages //p' "$BENCHFS_CUT_LOG" | head -n 1)
n=1
while [ "$n" -le "$last" ]; do
	run "$n request"
	run "$n reply"
	n=$((n + every))
done
END_ALL
export faults every shim
bfs sh "$T/all" || fail "status $?"
cuts=$(grep -c '^re' "$T/cuts") || fail "nothing was cut"
kinds=$(grep '^re' "$T/cuts" | sort -u | wc -l)
echo "$cuts connections cut, at $kinds kinds of requests and replies"
