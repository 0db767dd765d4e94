#!/bin/sh
# F6, P1: paths outside of the prefix, and names that only begin like it, behave
# as without the preload library, results and errors included.
. "${0%/*}/lib.sh"
requires "$PY"

# the programs of other tests, on a real directory, with and without BenchFS
for p in files offsets holes locks names attributes xattr sock unlinked rename2; do
	for way in outside in_side; do
		D=$T/$way.$p/d
		export D
		mkdir -p "$D"
		W=$T/$way.$p/w
		export W
		mkdir "$W"
		set -- "$PY" -u "$py/$p.py"
		[ $way = outside ] || set -- bfs "$@"
		"$@" >"$T/$p.$way.raw" 2>&1 || fail "$way BenchFS, $p: $(cat "$T/$p.$way.raw")"
		sed "s|$T/$way|@T@|g;s/tmp[a-z0-9_]\{8\}/TMP/g" "$T/$p.$way.raw" |
			if [ $p = sock ]; then sort; else cat; fi >"$T/$p.$way"
	done
	same "$T/$p.outside" "$T/$p.in_side" || fail "$p differs under the preload library"
done

# names that only begin like the prefix are not under it, and what is under it
# does not show the real directory of that name
pre=$T/pre
mkdir "$pre" "${pre}X" "$pre.d"
echo real >"$pre/hidden"
echo X >"${pre}X/f"
cat >"$T/near" <<'END'
set -eu
want() { [ "$1" = "$2" ] || { echo "wanted '$1', got '$2'" >&2; exit 1; }; }
want "$(ls -A "$pre")" ""
[ ! -e "$pre/hidden" ]
want "$(cat "${pre}X/f")" X
echo new >"${pre}X/g"; echo d >"$pre.d/f"; echo p >"${pre%re}r"; mkdir "${pre}-dir"
echo ours >"$pre/f"
ln -s "${pre}X/f" "$pre/back"; want "$(cat "$pre/back")" X
cd "${pre}X"; want "$(cat f)" X; want "$(cat ../pre/f)" ours; want "$(cat ./../preX/f)" X
cd ..; want "$(cat pre/f)" ours; want "$(cat preX/f)" X; want "$(cat ./pre/../preX/g)" new
want "$(cat "$pre/../preX/f")" X
want "$(cat "$T//pre//f")" ours; want "$(cat "$T/./pre/./f")" ours
want "$(cat "$T/preX/../pre/f")" ours; want "$(cat "/$T/pre/f")" ours
ls -d "$T"/pre*; [ -d "$pre/" ]; [ -d "$T/pre/." ]; want "$(stat -c %F "$pre")" directory
mv "${pre}X/g" "$pre/g"; want "$(cat "$pre/g")" new; [ ! -e "${pre}X/g" ]
mv "$pre/g" "${pre}X/h"
END
export pre
benchfs_run -m "$pre" -- sh "$T/near" >"$T/near.out" || fail "near the prefix: $?"
[ "$(ls -A "$pre")" = hidden ] || fail "the real directory has: $(ls -A "$pre")"
[ "$(cat "$pre/hidden" "${pre}X/h" "$pre.d/f" "${pre%re}r")" = "$(printf 'real\nnew\nd\np')" ] ||
	fail "the real files have other contents"

# without the settings the library is off, also for those who use vfork
for sh in dash bash; do
	got=$(env -u BENCHFS_RUN_DIR -u BENCHFS_MOUNT LD_PRELOAD="$builddir/preload/.libs/libbenchfs_preload.so${LD_PRELOAD:+:$LD_PRELOAD}" \
		"$sh" -c "x=\$(/bin/echo hi; exit 3); echo \"\$x \$?\"; /bin/true; echo \$?" 2>&1)
	[ "$got" = "hi 3
0" ] || fail "$sh without settings: $got"
done
