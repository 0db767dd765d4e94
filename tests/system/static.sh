#!/bin/sh
# A program that the preload library cannot reach is told so, and still runs:
# static, set-user-id.
. "${0%/*}/lib.sh"
requires gcc

cat >"$T/s.c" <<'END'
#include <stdio.h>
int main(void) { puts("ran"); return 5; }
END
gcc -static -o "$T/static" "$T/s.c" 2>/dev/null || skip "no static libc"
gcc -static-pie -o "$T/static-pie" "$T/s.c" 2>/dev/null || rm -f "$T/static-pie"
gcc -o "$T/setuid" "$T/s.c"
chmod 4755 "$T/setuid"
gcc -o "$T/dynamic" "$T/s.c"
warned() {
	rc=0
	benchfs_run -- "$T/$1" >"$T/out" 2>"$T/err" || rc=$?
	[ $rc -eq 5 ] || fail "$1: status $rc: $(cat "$T/err")"
	[ "$(cat "$T/out")" = ran ] || fail "$1: did not run"
	grep -qi "$2" "$T/err" || fail "$1: no warning with '$2', but '$(cat "$T/err")'"
}
warned static static
[ ! -f "$T/static-pie" ] || warned static-pie static
# for its owner a set-user-id program is an ordinary one
if [ "$(id -u)" = 0 ]; then
	chown 1 "$T/setuid"
	chmod 4755 "$T/setuid"
	chmod 755 "$T"
	warned setuid 'set-\?u\?s\?e\?r\?-\?id\|suid'
fi
benchfs_run -- "$T/dynamic" 2>"$T/err" >/dev/null || :
[ ! -s "$T/err" ] || fail "a dynamic program is warned about: $(cat "$T/err")"
