#!/bin/sh
# Each bug of tests/model/planted_*.c is found by the differential tester, and
# without a bug it finds nothing.  NAME...: only these.
. "${0%/*}/../system/lib.sh"
model=$builddir/tests/model
mkdir "$T/lib" "$T/real"
chmod 755 "$T"
chmod 777 "$T/real"
ln -s "$model/.libs/libbenchfs_preload_planted.so" "$T/lib/libbenchfs_preload.so"
printf 'auth: { allow_users = "*"; };\n' >"$T/conf"

# try NAME SEED: runs the tester with the bug in place
try() {
	"$builddir/run" env BENCHFS_LIBDIR="$T/lib" \
		BENCHFS_DAEMON="$model/benchfsd" BENCHFS_PLANTED="$1" \
		timeout -k 10 "$limit" benchfs run -m "$mnt" -c "$T/conf" -- \
		"$model/model" --seed "$2" --steps "${STEPS:-10000}" \
		--save "$T/steps" "$mnt" "$T/real" >"$T/out" 2>&1
}

[ $# -gt 0 ] || set -- umask dup xattr readdir append lock \
	truncate ctime exchange nlink errno
try none 1 || fail "without a bug: $(cat "$T/out")"
for bug; do
	rc=0
	try "$bug" 1 || rc=$?
	[ $rc -eq 1 ] || fail "$bug: the tester ends with $rc: $(cat "$T/out")"
	echo "== $bug, by"
	sed -n '/ are enough/,$p' "$T/out"
done
