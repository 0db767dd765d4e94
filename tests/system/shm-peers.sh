#!/bin/sh
# S1, D3: daemons of one node that reach each other over shared memory, if UCX_TLS says so: names, and data in chunks, also
# when one of them is killed and started anew.
BENCHFS_TEST_DAEMONS=3
BENCHFS_TEST_OPTIONS='-o storage.placement=stripe -o storage.chunk_size=64K'
. "${0%/*}/lib.sh"
requires "$PY"
export UCX_TLS=shm,tcp,self
limit=120

both '
	cd "$D"
	mkdir a b
	for i in 1 2 3 4 5 6 7 8 9; do echo $i >a/$i; done
	for i in 2 4 6 8; do mv a/$i b/$i; done
	ln a/1 b/1
	ln -s ../a/1 b/s
	rm a/9
	cat b/s a/* b/*'
both '"$PY" "$py/stripe.py" "$D"'

benchfs() { timeout -k 10 "$limit" "$builddir/run" benchfs "$@"; }
at_exit='benchfs stop --run-dir "$T/rd" >/dev/null 2>&1; :'
inside_rd() (
	eval "$(benchfs env --run-dir "$T/rd" -m "$mnt")"
	timeout "$limit" sh -eu -c "$1"
)
# shellcheck disable=SC2086
benchfs start --run-dir "$T/rd" -d "$T/data" -n 3 $run_options >"$T/log" 2>&1 || fail "start: $(cat "$T/log")"
seq 200000 >"$T/big"
inside_rd 'cp "$T/big" "$mnt/big"; for i in 1 2 3 4 5 6 7 8 9; do echo $i >"$mnt/$i"; done; sync' || fail "writing"
victim=$(cat "$T"/rd/*/pid | tail -n 1)
kill -9 "$victim"
dead "$victim"
benchfs start --resume --run-dir "$T/rd" >"$T/log" 2>&1 || fail "resume: $(cat "$T/log")"
inside_rd 'cmp "$T/big" "$mnt/big"; [ "$(cat "$mnt"/[1-9])" = "$(seq 9)" ]; mv "$mnt/big" "$mnt/1"; cmp "$T/big" "$mnt/1"' ||
	fail "after the kill"
