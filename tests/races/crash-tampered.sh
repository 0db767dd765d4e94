#!/bin/sh
# The crash driver itself: without kills nothing is lost, and each kind of
# loss, planted in what it expects or on disk, is found.
. "${0%/*}/races.sh"

crew "$races/crash" "$dir" "$T/crew" 5 4 "${SEED:-1}" 1
for how in 1 2 3 4 5 6; do
	rm -rf "$T/d"
	mkdir "$T/d"
	rc=0
	BENCHFS_CRASH_TAMPER=$how timeout -k 10 "$limit" "$races/crash" "$T/d" \
		"$T/crew" 3 2 1 1 >"$T/out" 2>&1 || rc=$?
	[ $rc -eq 1 ] || { cat "$T/out"; fail "loss $how: status $rc"; }
	grep -q 'is not what was acknowledged' "$T/out" ||
		{ cat "$T/out"; fail "loss $how: not found"; }
done
