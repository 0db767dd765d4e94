#!/bin/sh
# Calls that are not ours go to whoever is behind us: a library that is
# preloaded too, before libc (F6).
. "${0%/*}/lib.sh"

behind=$helpers/.libs/libbehind.so
[ -f "$behind" ] || fail "no $behind"
LD_PRELOAD=$behind dash -c '[ -r /behind ] && ! [ -r /nowhere ]' ||
	fail "the library does nothing: the test is wrong"
bfs dash -c 'LD_PRELOAD=$LD_PRELOAD:'"$behind"' dash -c "[ -r /behind ]" || exit 3
! [ -r /behind ] && ! LD_PRELOAD=$LD_PRELOAD:'"$behind"' dash -c "[ -r /nowhere ]"' ||
	fail "calls do not reach a library behind ours: $?"
