#!/bin/sh
# Every name of hooks.def does in BenchFS what its row says, and the rows are
# right: they hold in a real directory too.  On a real directory, the preload
# library changes neither results nor errno (F6), with a daemon and without.
. "${0%/*}/lib.sh"
rows=$builddir/tests/hooks/rows
limit=$((limit * 5)) # hundreds of programs

# all OUTPUT DIRECTORY: every row, what it prints, and whether it holds.
cat >"$T/all" <<'END'
bad=0
for row in $("$rows" list); do
	rc=0
	"$rows" run "$row" "$2" >"$1.row" 2>"$1.err" </dev/null || rc=$?
	{ echo "== $row $rc"; sed "s|$2|@D@|g" "$1.row"; } >>"$1"
	[ $rc -ne 77 ] || continue
	[ $rc -eq 0 ] && continue
	echo "row $row in $2 ends with $rc:" >&2
	cat "$1.err" >&2
	bad=1
done
exit $bad
END
export rows
mkdir -m 755 "$T/plain" "$T/served" "$T/orphan"
sh "$T/all" "$T/plain.out" "$T/plain" || fail "the rows are wrong"

# the library without a daemon: nothing but paths under the prefix needs one
cat >"$T/alone" <<'END'
LD_PRELOAD=${BENCHFS_PRELOAD_FIRST:+$BENCHFS_PRELOAD_FIRST:}$builddir/preload/.libs/libbenchfs_preload.so
export LD_PRELOAD
BENCHFS_MOUNT=$mnt BENCHFS_RUN_DIR=$T/none exec sh "$T/all" "$T/orphan.out" "$T/orphan"
END
"$builddir/run" sh "$T/alone" || fail "a row differs without a daemon"
same "$T/plain.out" "$T/orphan.out" || fail "the library without a daemon shows"

# on a daemon: real paths, then BenchFS, then with every writer a placeholder
cat >"$T/there" <<'END'
set -e
umask 022
"$rows" aliases
sh "$T/all" "$T/served.out" "$T/served"
mkdir "$1/rows"
sh "$T/all" "$T/ours.out" "$1/rows"
END
benchfs_run -m "$mnt" --run-dir "$T/run/pass" -o 'auth.allow_users=*' -- \
	sh "$T/there" "$mnt" || fail "a row does not hold in BenchFS"
same "$T/plain.out" "$T/served.out" || fail "the library beside a daemon shows"
rm -r "$T/served"
mkdir -m 755 "$T/served"
benchfs_run -m "$mnt" --run-dir "$T/run/held" -o 'auth.allow_users=*' \
	-o storage.max_storage_gb=1 -- \
	sh "$T/there" "$mnt" || fail "a row does not hold on placeholders"
# tmpfile is of /tmp, so that is what BenchFS serves for it: but then what is
# built there cannot be seen
case $builddir in
/tmp/*) ;;
*)
	benchfs_run -m /tmp -- "$rows" run tmpfile /tmp >"$T/out" 2>&1 ||
		fail "tmpfile: $(cat "$T/out")"
	! grep ld.so "$T/out" || fail "tmpfile: ran without the library"
	;;
esac
check_real_is_empty "the rows"
