#!/bin/sh
# record.sh TIDY BENCHFSD DIR: what daemons are asked and what they answer in a
# sample of the system tests, in DIR/calls.txt (clients) and DIR/peers.txt
# (daemons).  make record-seeds calls it.
set -eu
tidy=$1 daemon=$2 dir=$3
: "${srcdir:=.}"

T=$(mktemp -d "${TMPDIR:-/tmp}/bfs-record.XXXXXX")
trap 'rm -rf "$T"' EXIT
trap 'exit 130' INT TERM
BENCHFS_TEST_DAEMON=$daemon
export BENCHFS_TEST_DAEMON

# record NAME TEST...: their messages, in $T/NAME
record() {
	BENCHFS_TAP=$T/$1
	export BENCHFS_TAP
	shift
	for test; do
		sh "$srcdir/tests/system/$test.sh" >"$T/log" 2>&1 || {
			[ $? -eq 77 ] && continue
			cat "$T/log" >&2
			exit 1
		}
	done
}
put() {
	{
		echo "# Recorded by make record-seeds (record.sh): see recorded.h."
		"$tidy" "$1" <"$T/$2"
	} >"$T/seeds" && mv "$T/seeds" "$dir/$1.txt"
}

BENCHFS_TEST_OPTIONS='-o storage.max_storage_gb=1'
export BENCHFS_TEST_OPTIONS
record calls stat dirs links symlinks renames append locks xattr holes special \
	at permissions-own unlinked space cp
put calls calls
BENCHFS_TEST_OPTIONS='-o storage.placement=stripe -o storage.chunk_size=64K'
BENCHFS_TEST_DAEMONS=3
export BENCHFS_TEST_DAEMONS
record peers dirs links symlinks renames append locks xattr holes unlinked space \
	stripe cp
put peers peers
