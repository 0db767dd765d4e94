#!/bin/sh
# gcc: a program with a shared library found by rpath in BenchFS; it runs
# there, dlopens there, and so does an archive, a response file and -pipe.
. "${0%/*}/lib.sh"
requires gcc ar

both '
mkdir -p "$D/lib" "$D/src"; cd "$D/src"
echo "int answer(void) { return 42; }" >lib.c
cat >main.c <<END
#include <stdio.h>
#include <dlfcn.h>
int answer(void);
int main(int argc, char **argv)
{
	void *h = dlopen(argv[1], RTLD_NOW);
	int (*other)(void) = h ? (int (*)(void))dlsym(h, "other") : 0;
	printf("%d %d\n", answer(), other ? other() : -1);
	FILE *f = fopen(argv[2], "r");
	char line[80];
	return !(f && fgets(line, sizeof(line), f) && fputs(line, stdout) >= 0);
}
END
echo "int other(void) { return 7; }" >other.c; echo "first line" >text
gcc -shared -fPIC -o ../lib/libanswer.so lib.c
gcc -shared -fPIC -pipe -o ../lib/other.so other.c
gcc -o ../prog main.c -L../lib -lanswer -Wl,-rpath,"$D/lib"
"$D/prog" "$D/lib/other.so" "$D/src/text"
cd ..; ./prog ./lib/other.so src/text; ldd ./prog | grep -c "$D/lib/libanswer.so"
gcc -o origin src/main.c -Llib -lanswer -Wl,-rpath,"\$ORIGIN/lib"
./origin lib/other.so src/text; cd lib; ../origin ./other.so ../src/text; cd ..
LD_LIBRARY_PATH=$D/lib; export LD_LIBRARY_PATH
gcc -o plain src/main.c -Llib -lanswer; ./plain lib/other.so src/text; unset LD_LIBRARY_PATH
gcc -c -o src/lib.o src/lib.c; ar rcs lib/libanswer.a src/lib.o; ar t lib/libanswer.a
echo "-o static-lib src/main.c lib/libanswer.a" >resp; gcc @resp; ./static-lib "$D/lib/other.so" "$D/src/text"
strip prog; ./prog lib/other.so src/text; nm lib/libanswer.a | grep -c answer
echo "int x = ;" >src/bad.c; gcc -c src/bad.c 2>/dev/null || echo "error: $?"
cp prog "$W/copied"; "$W/copied" lib/other.so src/text
rm prog origin plain static-lib lib/*.so lib/*.a src/*.o
'
