#!/bin/sh
# The preload library exports the names in hooks.def, and no others.
. "${0%/*}/lib.sh"
requires nm

lib=$builddir/preload/.libs/libbenchfs_preload.so
[ -f "$lib" ] || fail "no $lib"
nm -D --defined-only "$lib" | awk '{ sub(/@.*/, "", $3); print $3 }' |
	grep -v -e '^_init$' -e '^_fini$' -e '^__asan_' -e '^__ubsan_' |
	sort -u >"$T/exported"
sed -n -E -e 's/^HOOK_[VN]\(([A-Za-z0-9_]+).*/\1/p' \
	-e 's/^(HOOK[A-Z_]*|VARIADIC)\([^,]*, *([A-Za-z0-9_]+).*/\2/p' \
	-e 's/^ALIAS\(([A-Za-z0-9_]+).*/\1/p' "$srcdir/preload/hooks.def" |
	sort >"$T/named"
uniq -d "$T/named" >"$T/twice"
[ ! -s "$T/twice" ] || fail "named twice: $(cat "$T/twice")"
comm -23 "$T/exported" "$T/named" >"$T/extra"
comm -13 "$T/exported" "$T/named" >"$T/missing"
[ ! -s "$T/extra" ] || fail "exported but not in hooks.def: $(cat "$T/extra")"
[ ! -s "$T/missing" ] || fail "in hooks.def but not exported: $(cat "$T/missing")"
[ "$(wc -l <"$T/named")" -gt 200 ] || fail "hooks.def was not understood"

# Each name that ld.so binds before main costs every program's start: those of
# lazy.def are found at their first call.  A sanitizer's functions are not ours.
! nm -D --undefined-only "$lib" | grep -q -e __asan -e __ubsan -e __tsan || exit 0
sed -n 's/^LAZY(\(.*\))$/\1/p' "$srcdir/preload/lazy.def" | sort >"$T/lazy"
[ "$(wc -l <"$T/lazy")" -gt 20 ] || fail "lazy.def was not understood"
nm -D --undefined-only "$lib" | awk '{ sub(/@.*/, "", $2); print $2 }' | sort >"$T/bound"
early=$(comm -12 "$T/lazy" "$T/bound")
[ -z "$early" ] || fail "in lazy.def, but bound: $early"
[ "$(wc -l <"$T/bound")" -le 60 ] || fail "more than 60 names to bind: $(cat "$T/bound")"
