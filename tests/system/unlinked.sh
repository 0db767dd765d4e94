#!/bin/sh
# S5: a file that is unlinked while open lives until its last descriptor in any
# process is closed or that process is gone; then its space returns.
. "${0%/*}/lib.sh"
requires "$PY"

both '"$PY" "$py/unlinked.py"'
both -s 'bash -eu' '
cd "$D"; echo kept >f; exec 3<f 4<>f; rm f; cat <&3; echo more >&4; cat <&3
echo new >f; cat f; cat /dev/fd/4 2>/dev/null || cat <&4; sh -c "cat <&3"; exec 3<&- 4<&-
(echo 1; rm g; echo 2) >g; ls
'

# the space, seen in the data directory
mkdir "$T/data"
cat >"$T/space" <<'END'
set -eu
used() { echo $(($(du -sk "$T/data" | cut -f1) - ${before:-0})); }
freed() {
	for _ in $(seq 600); do
		[ "$(used)" -lt 9000 ] && return
		sleep 0.05
	done
	echo "space did not return after $1: $(used) KiB" >&2
	exit 1
}
big() { head -c 20000000 /dev/urandom >"$1"; [ "$(used)" -gt 19000 ]; }
cd "$mnt"
before=$(used) # the logs of all daemons
big f; rm f; freed "unlink"
big f; exec 3<f; rm f; [ "$(wc -c <&3)" = 20000000 ]
exec 3<&-; freed "the last close"
big f; exec 5<f; sleep 100 <&5 & exec 5<&-; rm f; kill -9 $!; wait $! || :; freed "kill -9"
big f; : >f; freed "O_TRUNC"
big f; : >g; mv g f; freed "rename"
big f; sh -c 'exec 3<f; rm f; exec 4<&3 3<&-; sleep 0.1'; freed "exit"
big f; sh -c 'rm f; sleep 0.3' <f & wait $!; freed "exit of a child"
END
benchfs_run -m "$mnt" -d "$T/data" -- sh "$T/space" || fail "space: $?"
