#!/bin/sh
# make check-mutation: takes each hook out in turn, in a test build of the
# preload library, and expects its row of tests/hooks to fail, where every
# descriptor that can write is a placeholder.  NAME...: only these.
. "${0%/*}/system/lib.sh"
requires_root # rows about the identity need to change it
rows=$builddir/tests/hooks/rows
mkdir "$T/lib"
ln -s "$builddir/preload/.libs/libbenchfs_preload_mutation.so" \
	"$T/lib/libbenchfs_preload.so"

# judge NAME DIRECTORY: 0 if the row holds with the hook and fails without it
cat >"$T/judge" <<'END'
row=$1
timeout 70 "$rows" run "$row" "$2/with" >"$T/out" 2>&1 </dev/null
rc=$?
[ $rc -ne 77 ] || { echo "$row: skipped"; exit 0; }
[ $rc -eq 0 ] || { echo "$row: FAILS with its hook"; cat "$T/out"; exit 1; }
BENCHFS_MUTATE=$row timeout 10 "$rows" run "$row" "$2/without" >"$T/out" 2>&1 </dev/null
rc=$?
[ $rc -ne 0 ] && [ $rc -ne 77 ] && exit 0
echo "$row: SURVIVES without its hook"
exit 1
END
cat >"$T/each" <<'END'
umask 022
cd "$T" # what a mutant writes into the real working directory goes here
mkdir "$mnt/with" "$mnt/without"
bad=0 n=0
for row; do
	case $row in
	tmpfile) continue ;;
	# what these do shows on several nodes: tests/cluster/maps.sh
	msync | munmap) continue ;;
	esac
	n=$((n + 1))
	sh "$T/judge" "$row" "$mnt" || bad=$((bad + 1))
done
echo "$n hooks taken out, $bad rows did not do their duty"
[ $bad -eq 0 ]
END
export rows T

# mutant ARGS...: benchfs run with that library
mutant() {
	"$builddir/run" env BENCHFS_LIBDIR="$T/lib" benchfs run "$@"
}

# shellcheck disable=SC2046 # one name a line
# shellcheck disable=SC2046 # names are words
[ $# -gt 0 ] || set -- $("$rows" list)
mutant -m "$mnt" --run-dir "$T/run/all" -o 'auth.allow_users=*' \
	-o storage.max_storage_gb=1 -- sh "$T/each" "$@" || fail "see above"

# tmpfile is of /tmp, so that is what BenchFS serves for it: but then what is
# built there cannot be seen
case $builddir in
/tmp/*) echo "tmpfile: skipped, the build tree is in /tmp" ;;
*)
	mutant -m /tmp -- "$rows" run tmpfile /tmp >"$T/out" 2>&1 ||
		fail "tmpfile: $(cat "$T/out")"
	! BENCHFS_MUTATE=tmpfile mutant -m /tmp -- "$rows" run tmpfile /tmp \
		>"$T/out" 2>&1 || fail "tmpfile: survives without its hook"
	;;
esac
check_real_is_empty "the mutations"
