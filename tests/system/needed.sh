#!/bin/sh
# The preload library needs nothing but libc (and the dynamic linker).
. "${0%/*}/lib.sh"
requires readelf

lib=$builddir/preload/.libs/libbenchfs_preload.so
[ -f "$lib" ] || fail "no $lib"
readelf -d "$lib" >"$T/dynamic"
sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' "$T/dynamic" >"$T/needed"
grep -q '^libc\.so\.6$' "$T/needed" || fail "it does not even need libc"
if grep -q 'libasan\|libubsan\|libtsan' "$T/needed"; then
	skip "built with a sanitizer, which is needed too"
fi
grep -v -e '^libc\.so\.6$' -e '^ld-linux-x86-64\.so\.2$' "$T/needed" >"$T/more" &&
	fail "it needs $(cat "$T/more")"
grep -q 'TEXTREL' "$T/dynamic" && fail "it has text relocations"
grep -E 'RPATH|RUNPATH' "$T/dynamic" && fail "it has a run path"
exit 0
