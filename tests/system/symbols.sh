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
