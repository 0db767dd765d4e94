#!/bin/sh
# benchfs doctor: what it says of programs of every kind, each made here, and
# that it is what happens to them.
BENCHFS_TEST_MNT=/benchfs
. "${0%/*}/../system/lib.sh"
requires gcc objcopy "$PY"
unset BENCHFS_SYSCALLS

cat >"$T/p.c" <<'END'
#include <stdio.h>
int main(void)
{
	FILE *f = fopen("/benchfs/made", "w");
	return !f || fclose(f);
}
END
doctor() {
	timeout -k 10 "$limit" "$builddir/benchfs" doctor "$@"
}
# says STATUS TEXT PROGRAM [OPTION...]: doctor ends so, and says so.
says() {
	want=$1 text=$2 rc=0
	shift 2
	doctor "$@" >"$T/out" 2>&1 || rc=$?
	[ $rc = "$want" ] ||
		{ cat "$T/out"; fail "doctor $*: status $rc, not $want"; }
	grep -qF -e "$text" "$T/out" ||
		{ cat "$T/out"; fail "doctor $*: does not say \"$text\""; }
}
# code STATUS CODE PROGRAM: the same of its JSON, somewhere in the chain.
code() {
	rc=0
	doctor --json "$3" >"$T/json" || rc=$?
	"$PY" -c 'import json, sys
d = json.load(open(sys.argv[1]))
want = {"0": "served", "1": "not served", "2": "partly"}[sys.argv[2]]
assert d["verdict"] == want, d
codes = [f["code"] for s in d["chain"] for f in s["findings"]]
assert sys.argv[3] in codes or not codes and not sys.argv[3], d' \
		"$T/json" "$1" "$2" || fail "doctor --json $3"
	[ $rc = "$1" ] || fail "doctor --json $3: status $rc"
}
# script FILE LINE...
script() {
	file=$1
	shift
	printf '%s\n' "$@" >"$file"
	chmod +x "$file"
}

# what is served is served: the file is not in the real directory
gcc -o "$T/plain" "$T/p.c"
says 0 'nothing in the way' "$T/plain"
code 0 '' "$T/plain"
bfs "$T/plain" || fail "the plain program is not served"

says 127 'No such file' "$T/nosuch"
says 64 'name one program'
: >"$T/file"
says 126 'Permission denied' "$T/file"

if gcc -static -o "$T/static" "$T/p.c" 2>/dev/null; then
	says 1 'is statically linked' "$T/static"
	code 1 static "$T/static"
	rc=0
	benchfs_run -m "$mnt" -- "$T/static" 2>"$T/err" || rc=$?
	[ $rc != 0 ] || fail "the static program is served after all"
	grep -q 'is statically linked' "$T/err" || fail "run does not say so"
	# the whole chain of interpreters
	script "$T/s1" "#!$T/static"
	script "$T/s2" "#!$T/s1 -x"
	script "$T/s3" "#!/usr/bin/env -S A=b $T/s2"
	says 1 "$T/static: is statically linked" "$T/s1"
	says 1 "$T/static: is statically linked" "$T/s2"
	says 1 "$T/static: is statically linked" "$T/s3"
	grep -q "$T/s3: a script" "$T/out" || fail "the script is not named"
fi
gcc -static-pie -o "$T/static-pie" "$T/p.c" 2>/dev/null &&
	code 1 static "$T/static-pie"

script "$T/plainscript" '#! /bin/sh' :
code 0 '' "$T/plainscript"
script "$T/bare" 'echo no first line'
says 0 '/bin/sh: nothing in the way' "$T/bare"
script "$T/noenv" '#!/usr/bin/env nosuchprogram'
says 1 'nosuchprogram' "$T/noenv"
script "$T/nointerp" '#!/nosuch/interpreter'
says 1 'does not start' "$T/nointerp"
script "$T/loop" "#!$T/loop"
says 2 'too many interpreters' "$T/loop"
printf 'PK\003\004\000\000\000' >"$T/archive"
chmod +x "$T/archive"
code 2 unknown "$T/archive"
script "$T/inside" '#!/benchfs/bin/interpreter'
code 2 inside "$T/inside"

printf '\177ELF\001\001\001%057d' 0 >"$T/elf32"
chmod +x "$T/elf32"
code 1 bits32 "$T/elf32"
cp "$T/plain" "$T/arm"
printf '\267' | dd of="$T/arm" bs=1 seek=18 conv=notrunc 2>/dev/null
code 1 machine "$T/arm"
gcc -Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1 -o "$T/musl" "$T/p.c"
code 1 musl "$T/musl"
gcc -Wl,--dynamic-linker=/lib/ld-other.so -o "$T/other" "$T/p.c"
code 1 loader "$T/other"
code 0 '' "$(readlink -f /lib64/ld-linux-x86-64.so.2)"

# rights
if [ "$(id -u)" = 0 ]; then
	cp "$T/plain" "$T/setuid"
	chown 1 "$T/setuid" && chmod 4755 "$T/setuid"
	code 1 setuid "$T/setuid"
	cp "$T/plain" "$T/setgid"
	chown 0:1 "$T/setgid" && chmod 2755 "$T/setgid"
	code 1 setgid "$T/setgid"
	cp "$T/plain" "$T/mine"
	chmod 4755 "$T/mine"
	code 0 '' "$T/mine"
	cp "$T/plain" "$T/caps"
	# cap_net_raw, revision 2
	if command -v setpriv >/dev/null && "$PY" -c 'import os, struct, sys
os.setxattr(sys.argv[1], "security.capability",
            struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0))' "$T/caps" 2>/dev/null; then
		code 0 '' "$T/caps" # root has them anyway
		cp "$builddir/benchfs" "$T/benchfs"
		rc=0
		setpriv --reuid 12345 --clear-groups "$T/benchfs" doctor \
			"$T/caps" >"$T/out" || rc=$?
		[ $rc = 1 ] || fail "capabilities: status $rc"
		grep -q 'has file capabilities' "$T/out" || fail "capabilities"
		chmod 711 "$T/plain"
		rc=0
		setpriv --reuid 12345 --clear-groups "$T/benchfs" doctor \
			"$T/plain" >"$T/out" || rc=$?
		[ $rc = 2 ] || fail "an unreadable program: status $rc"
		chmod 755 "$T/plain"
	fi
fi

# past the C library
cat >"$T/raw.c" <<'END'
int main(void)
{
	long r;
	__asm__ volatile("syscall" : "=a"(r)
		: "a"(257L), "D"(-100L), "S"("/benchfs/made"), "d"(0L)
		: "rcx", "r11", "memory");
	return r < 0;
}
END
gcc -O1 -o "$T/raw" "$T/raw.c"
says 2 'calls the kernel by itself (openat)' "$T/raw"
says 0 'calls the kernel by itself, which is caught' --syscalls "$T/raw"
BENCHFS_SYSCALLS=1 says 0 'which is caught' "$T/raw"
# what the Go tools leave in a program
printf '\004\000\000\000\004\000\000\000\004\000\000\000Go\000\000abcd' >"$T/note"
objcopy --add-section .note.go.buildid="$T/note" "$T/plain" "$T/go" ||
	fail "objcopy"
says 2 'calls the kernel by itself (Go)' "$T/go"
code 2 raw_calls "$T/go"
benchfs_run -m "$mnt" -- "$T/go" 2>"$T/err" || :
grep -q 'by itself' "$T/err" || fail "run does not warn of Go"
benchfs_run -m "$mnt" --syscalls -- "$T/go" 2>"$T/err" || :
! grep -q 'by itself' "$T/err" || fail "run warns in spite of --syscalls"

# libraries
echo 'int f(void) { return 1; }' >"$T/lib.c"
echo 'int f(void); int main(void) { return f(); }' >"$T/uses.c"
gcc -shared -fPIC -o "$T/libbfsdoctor.so" "$T/lib.c"
gcc -o "$T/uses" "$T/uses.c" -L"$T" -lbfsdoctor
gcc -o "$T/finds" "$T/uses.c" -L"$T" -lbfsdoctor -Wl,-rpath,"$T"
gcc -o "$T/rpath" "$T/uses.c" -L"$T" -lbfsdoctor -Wl,-rpath,/usr/lib:/benchfs/lib
gcc -o "$T/near" "$T/p.c" -Wl,-rpath,/benchfsX/lib
says 1 'libraries are missing (libbfsdoctor.so)' "$T/uses"
code 1 no_library "$T/uses"
code 0 '' "$T/finds"
says 2 'looks for libraries in BenchFS (/benchfs/lib)' "$T/rpath"
code 2 library_inside "$T/rpath"
code 0 '' "$T/near"
says 1 'libraries are missing' -m /other "$T/rpath"
LD_LIBRARY_PATH=$T says 0 'nothing in the way' "$T/uses"
