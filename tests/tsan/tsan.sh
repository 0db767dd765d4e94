#!/bin/sh
# The preload library under ThreadSanitizer: programs of many threads, which it
# is silent about, and planted races, which it is not.
. "${0%/*}/../system/lib.sh"
grep -q 'PRELOAD_FIRST=.*libtsan' "$builddir/run" ||
	skip "this tree is not configured with --enable-sanitizer=thread"

# Each process says what it finds in a file of its own.
TSAN_OPTIONS="log_path=$T/report die_after_fork=0 history_size=4 ${TSAN_OPTIONS:-}"
export TSAN_OPTIONS

# races: how many reports there are
races() {
	cat "$T"/report.* 2>/dev/null | grep -c '^WARNING: ThreadSanitizer' || :
}

# silent WHAT CMD...: the command succeeds, and nothing is reported.
silent() {
	what=$1
	shift
	rc=0
	bfs "$@" || rc=$?
	n=$(races)
	[ "$n" = 0 ] || cat "$T"/report.* >&2
	[ "$n" = 0 ] || fail "$what: $n reports"
	[ $rc -eq 0 ] || fail "$what: status $rc"
}

tsan=$builddir/tests/tsan
silent "no race" "$tsan/planted" none "$mnt"
for race in own library; do
	bfs "$tsan/planted" "$race" "$mnt" || :
	n=$(races)
	[ "$n" != 0 ] || fail "a planted race ($race) is not seen"
	rm -f "$T"/report.*
done

# Passed through; through the daemon, by the ring.
for options in '' '-o storage.max_storage_gb=1'; do
	run_options="$options ${BENCHFS_TEST_OPTIONS:-}"
	for program in together threads; do
		silent "$program $options" "$helpers/$program" "$mnt"
	done
done
