#!/bin/sh
# How ld.so and dlopen find libraries in BenchFS: DT_RPATH, DT_RUNPATH,
# $ORIGIN, LD_LIBRARY_PATH, LD_PRELOAD, absolute DT_NEEDED, with and without
# DT_SONAME, behind version links; by programs in BenchFS and elsewhere.
. "${0%/*}/lib.sh"
requires gcc

both '
mkdir "$D/lib" "$D/other" "$D/bin"; cd "$D"
make_lib() { out=$1; value=$2; shift 2; echo "$value" | gcc -shared -fPIC -o "$out" -x c - -x none "$@"; }
make_lib lib/libbase.so.1.2 "int base(void) { return 1; }" -Wl,-soname,libbase.so.1
ln -s libbase.so.1.2 lib/libbase.so.1; ln -s libbase.so.1 lib/libbase.so
make_lib lib/libplain.so "int base(void); int plain(void) { return 10 + base(); }" -Llib -lbase -Wl,-rpath,"\$ORIGIN"
make_lib lib/libtop.so "int plain(void); int f(void) { return 100 + plain(); }" -Llib -lplain -Wl,-rpath,"\$ORIGIN/../lib" -Wl,-rpath-link,lib
"$helpers/libraries" "$D/lib/libtop.so" ./lib/libtop.so lib/none.so "$D/lib/../lib/libtop.so" libnone.so.9
cp "$helpers/libraries" bin/here; bin/here "$D/lib/libtop.so" lib/libtop.so
LD_LIBRARY_PATH=$D/lib "$helpers/libraries" libtop.so; LD_LIBRARY_PATH=lib bin/here libtop.so; LD_LIBRARY_PATH=:$D/other:$D/lib bin/here libtop.so | sed "s/ left.*//"
echo "int f(void); int main(void) { return f(); }" >main.c
for how in -Wl,-rpath,"$D/lib" "-Wl,--disable-new-dtags -Wl,-rpath,$D/lib" "-Wl,-rpath,\$ORIGIN/../lib" "-Wl,-rpath,/none:$D/other:$D/lib"; do
	gcc -o bin/prog main.c -Llib -ltop $how -Wl,-rpath-link,lib; bin/prog || echo "$?"; (cd /; "$D/bin/prog") || echo "$?"
	cp bin/prog "$W/prog"; case $how in *ORIGIN*) ;; *) "$W/prog" || echo "out $?" ;; esac
done
gcc -o bin/prog main.c "$D/lib/libtop.so" -Wl,-rpath-link,lib; bin/prog || echo "absolute $?"; cp bin/prog "$W/"; "$W/prog" || echo "out $?"
gcc -o bin/prog main.c -Llib -ltop -Wl,-rpath-link,lib; bin/prog 2>&1 | sed "s/^.*: error/error/"; LD_LIBRARY_PATH=$D/lib bin/prog || echo "path $?"; cd lib; LD_LIBRARY_PATH=. ../bin/prog || echo "here $?"; cd ..
make_lib other/libtop.so "int f(void) { return 77; }"; LD_LIBRARY_PATH=$D/other:$D/lib bin/prog || echo "first $?"; mkdir "$W/lib"; cp other/libtop.so "$W/lib/"; LD_LIBRARY_PATH=$W/lib:$D/lib bin/prog || echo "real first $?"
make_lib other/pre.so "unsigned int geteuid(void) { return 4242; }"; LD_PRELOAD=$D/other/pre.so id -u -n 2>&1 | tail -n 1; LD_PRELOAD=$D/other/pre.so "$PY" -c "import os; print(os.geteuid())"
ln -s "$W/lib/libtop.so" other/out.so; ln -s "$D/lib/libtop.so" "$W/in.so"; "$helpers/libraries" "$D/other/out.so" "$W/in.so" | sed "s/ left.*//"
rm -r bin lib/*.so* other main.c "$W/prog" "$W/lib" "$W/in.so"
'

# A library with much thread-local storage of the fixed kind, as rustc has, whether it or only a directory of the list lies in
# BenchFS; the environment is what it was.
both '
mkdir "$D/lib" "$W/lib"; cd "$D"
echo "__thread char room[24000]; int f(void) { room[23999] = 7; return room[23999] + room[0]; }" >lib/f.c
gcc -shared -fPIC -ftls-model=initial-exec -o "$W/lib/libf.so" lib/f.c
echo "#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
int f(void);
static void *g(void *arg) { *(int *)arg += f(); return arg; }
int main(void)
{
	pthread_t t;
	int n = f();
	char *v = getenv(\"GLIBC_TUNABLES\");
	if (pthread_create(&t, NULL, g, &n) || pthread_join(t, NULL)) return 1;
	printf(\"%d \", n);
	return puts(v ? v : \"-\") < 0;
}" >lib/main.c
gcc -o "$W/prog" lib/main.c -L"$W/lib" -lf -pthread
LD_LIBRARY_PATH=$D/lib:$W/lib "$W/prog"
LD_LIBRARY_PATH=$D/lib:$W/lib GLIBC_TUNABLES=glibc.malloc.check=0 "$W/prog"
LD_LIBRARY_PATH=$D/lib:$W/lib GLIBC_TUNABLES=glibc.rtld.optional_static_tls=40000 sh -c "$W/prog; exec $W/prog"
GLIBC_TUNABLES= LD_AUDIT= sh -c env | grep -e GLIBC -e LD_AUDIT | sort
mv "$W/lib/libf.so" lib/; cp "$W/prog" lib/
LD_LIBRARY_PATH=$D/lib "$W/prog"; LD_LIBRARY_PATH=$D/lib lib/prog
rm -r lib "$W/lib" "$W/prog"
'
