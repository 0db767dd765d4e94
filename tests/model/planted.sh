#!/bin/sh
# Each bug of tests/model/planted_*.c is found by the differential tester, and
# without a bug it finds nothing.  NAME...: only these.
. "${0%/*}/../system/lib.sh"
model=$builddir/tests/model
limit=$((limit * 3)) # looking for the shortest sequence runs it often
mkdir "$T/lib" "$T/real"
chmod 755 "$T"
chmod 777 "$T/real"
ln -s "$model/.libs/libbenchfs_preload_planted.so" "$T/lib/libbenchfs_preload.so"
printf 'auth: { allow_users = "*"; };\n' >"$T/conf"

# try NAME OPTIONS...: runs the tester with the bug in place
try() {
	bug=$1
	shift
	"$builddir/run" env BENCHFS_LIBDIR="$T/lib" \
		BENCHFS_DAEMON="$model/benchfsd" BENCHFS_PLANTED="$bug" \
		timeout -k 10 "$limit" benchfs run -m "$mnt" -c "$T/conf" \
		-d "$T/data" -- \
		"$model/model" --plain --save "$T/steps" "$@" \
		"$mnt" "$T/real" >"$T/out" 2>&1
}

if [ $# -eq 0 ]; then
	set -- umask dup xattr readdir append lock \
		truncate exchange nlink errno ctime atime
	try none --seed 1 --steps 5000 || fail "without a bug: $(cat "$T/out")"
	try none --seed 4 --steps 300 --times || fail "without a bug: $(cat "$T/out")"
fi
for bug; do
	rc=0
	case $bug in
	# each step takes a tick of the clock: a seed that meets it early
	ctime) try "$bug" --seed 4 --steps 2000 --times || rc=$? ;;
	atime) try "$bug" --seed 1 --steps 2000 --times || rc=$? ;;
	*) try "$bug" --seed 1 --steps 10000 || rc=$? ;;
	esac
	[ $rc -eq 1 ] || fail "$bug: the tester ends with $rc: $(cat "$T/out")"
	echo "== $bug, by"
	sed -n '/ are enough/,$p' "$T/out"
done
