#!/bin/sh
# F1, D2: while the disk takes its time for a syncfs the daemon serves others;
# who asks meanwhile gets a sync of his own, one for all of them; its errors are
# told; and a helper that is killed has its work done by the daemon.
. "${0%/*}/lib.sh"
requires "$PY" stat
[ "$(stat -f -c %T "$T")" != tmpfs ] || skip "no disk here"
shim=$builddir/tests/system/.libs/libheldsync.so
[ -e "$shim" ] || skip "no shared objects"
rd=$T/rd
at_exit='rm -f "$T/held"; [ ! -s "$rd/pid" ] || kill -9 "$(cat "$rd/pid")" 2>/dev/null; :'
benchfs() { timeout -k 10 "$limit" "$builddir/run" benchfs "$@"; }
for options in '' '-o storage.use_iouring=false'; do
	# word splitting is wanted
	# shellcheck disable=SC2086
	HELD_SYNC=$T/held LD_PRELOAD=$shim benchfs start --run-dir "$rd" \
		-d "$T/data" $options || fail "start"
	(
		eval "$(benchfs env --run-dir "$rd" -m "$mnt")"
		BENCHFS_TIMEOUT=10 exec timeout -k 10 "$limit" "$builddir/run" \
			"$PY" "$py/syncfs.py" "$mnt" "$T/held" "$rd"
	) || fail "$options: $?; the daemon says: $(cat "$rd/log")"
	benchfs stop --run-dir "$rd" || fail "stop"
done
