#!/bin/sh
# Each race is lost if its rule is broken: on a real directory, where the
# clients themselves break it.
. "${0%/*}/races.sh"

BENCHFS_RACE_FAULT=1
export BENCHFS_RACE_FAULT
# Two may miss each other; five times in a row they do not.
lost() {
	for seed in 1 2 3 4 5; do
		rm -rf "$T/d"
		mkdir "$T/d"
		rc=0
		timeout -k 10 "$limit" "$races/race" "$1" "$T/d" "$T/crew" 0 0 \
			$seed >"$T/out" 2>&1 || rc=$?
		[ $rc -ne 1 ] || return 0
		[ $rc -eq 0 ] || fail "$1: status $rc"
	done
	fail "$1: nobody noticed"
}
for what in excl noreplace swap replace rmdir posix ofd flock unlinked \
	listing walks cycles links append; do
	lost $what
	echo "$what: $(head -n 1 "$T/out")"
done
