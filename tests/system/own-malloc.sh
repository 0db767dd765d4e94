#!/bin/sh
# Programs that bring their own malloc, whose memory and libc's do not mix: what the preload library gives them to free
# comes from theirs, and the other way round.
. "${0%/*}/lib.sh"
requires gcc

for prog in at dirs libraries spawn streams walks; do
	gcc -D_GNU_SOURCE -w -Wl,--no-warnings -O1 -I"$srcdir" -o "$T/own_$prog" "$srcdir/tests/system/$prog.c" \
		"$srcdir/tests/system/own-malloc.c" -pthread || fail "gcc: $prog"
	nm -D "$T/own_$prog" | grep -q ' T calloc' || fail "$prog does not export its malloc"
done

both '"$T/own_at" "$D"'
both '"$T/own_dirs" "$D" && chmod 700 "$D/secret" && rm -r "$D"/*'
both '"$T/own_walks" "$D" "$W"'
both 'mkdir "$D/a" "$W/c"; cp "$T/own_spawn" "$D/here"
cd "$D/a"; "$T/own_spawn" "$T/own_spawn" </dev/null; cd "$W/c"; "$T/own_spawn" "$D/here" </dev/null; rm "$D/here"'
both 'mkdir "$D/lib"; cd "$D"
make_lib() { out=$1; value=$2; shift 2; echo "$value" | gcc -shared -fPIC -o "$out" -x c - -x none "$@"; }
make_lib lib/libplain.so "int plain(void) { return 10; }"
make_lib lib/libtop.so "int plain(void); int f(void) { return 100 + plain(); }" -Llib -lplain -Wl,-rpath,"\$ORIGIN"
"$T/own_libraries" "$D/lib/libtop.so" ./lib/libtop.so lib/none.so; LD_LIBRARY_PATH=$D/lib "$T/own_libraries" libtop.so libnone.so.9
rm -r lib'
