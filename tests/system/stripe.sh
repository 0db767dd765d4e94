#!/bin/sh
# S1, S3, S7, S8: files in small chunks over three daemons have the bytes, sizes and holes that real files have, whatever is
# done to them from several processes; and when they are removed nothing is left (S5).
BENCHFS_TEST_DAEMONS=3
BENCHFS_TEST_OPTIONS='-o storage.placement=stripe -o storage.chunk_size=64K'
. "${0%/*}/lib.sh"
requires "$PY"

both '"$PY" "$py/stripe.py" "$D"'

benchfs() { timeout -k 10 "$limit" "$builddir/run" benchfs "$@"; }
at_exit='benchfs stop --run-dir "$T/rd" >/dev/null 2>&1; :'
# shellcheck disable=SC2086
benchfs start --run-dir "$T/rd" -d "$T/data" -n 3 $run_options >"$T/start.log" 2>&1 ||
	{ cat "$T/start.log" >&2; fail "start"; }
files() { find "$T/data" -path "$T/data/*/data/??/*" -type f | wc -l; }
(
	eval "$(benchfs env --run-dir "$T/rd" -m "$mnt")"
	dd if=/dev/zero of="$mnt/big" bs=100000 count=20 2>/dev/null
) || fail "dd"
[ "$(files)" = 3 ] || fail "$(files) data files of one that is striped over three daemons"
(
	eval "$(benchfs env --run-dir "$T/rd" -m "$mnt")"
	rm "$mnt/big"
) || fail "rm"
for _ in $(seq 500); do
	[ "$(files)" != 0 ] || break
	sleep 0.02
done
[ "$(files)" = 0 ] || fail "$(files) data files are left"
