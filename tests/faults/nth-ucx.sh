#!/bin/sh
# F1, F2: the n-th call of UCX in a daemon fails, for n = 1, 2, ... until none
# fails any more: of a daemon whose client comes over UCX, and of three between
# each other.  Each call of the client answers, soon, and has its effect, as if
# nothing had happened.  A start meets it too: three find each other all the
# same, one that cannot open its worker says so.  EVERY=N: every N-th of them.
. "${0%/*}/../system/lib.sh"
faults=$builddir/tests/faults
limit=${LIMIT:-3600}

cat >"$T/daemon" <<END
#!/bin/sh
LD_PRELOAD="$faults/.libs/libfailucx.so" exec "$builddir/benchfsd" "\$@"
END
chmod 755 "$T/daemon"
# with data that is announced, and then fetched
BENCHFS_FAIL_FILE=$T/fail UCX_TLS=${UCX_TLS:-tcp} UCX_RNDV_THRESH=8192
export BENCHFS_FAIL_FILE UCX_TLS UCX_RNDV_THRESH
benchfs_run() {
	timeout -k 10 "$limit" "$builddir/run" \
		env BENCHFS_DAEMON="$T/daemon" benchfs run -n "$daemons" "$@"
}
nothing_fails() {
	head -c 4096 /dev/zero >"$T/fail"
}
nth() {
	echo "$1"
	nothing_fails
	bfs "$faults/nth_ucx" "$T/fail" "$faults/script" "$mnt/d" \
		"${EVERY:-17}" || fail "$1: see above"
}

# starts KIND CMD: the N-th fails on daemons that have just started, and CMD runs
# there; `started` judges how it went.
starts() {
	kind=$1
	shift
	n=1
	while nothing_fails; "$faults/nth_ucx" "$T/fail" start "$kind" "$n"
		rc=0; bfs "$@" 2>"$T/err" || rc=$?
		"$faults/nth_ucx" "$T/fail" fired; do
		! grep -q signal "$T/err" || fail "$kind $n: $(cat "$T/err")"
		started || fail "$kind $n: status $rc: $(cat "$T/err")"
		n=$((n + ${EVERY:-17}))
	done
	[ "$n" -gt 1 ] || fail "$kind: no start has met it"
	echo "$kind: at $(((n - 1) / ${EVERY:-17})) starts"
}

daemons=3
run_options="-o storage.placement=stripe -o storage.chunk_size=64K"
nth "three daemons"
started() { [ $rc -eq 0 ]; }
starts connecting "$faults/script" "$mnt/d" keep

daemons=1 run_options='' BENCHFS_TRANSPORT=ucx
export BENCHFS_TRANSPORT
nth "a client over UCX"
started() { [ $rc -ne 0 ] && grep -q 'error: ucx:' "$T/err"; }
EVERY=1 starts opening true
