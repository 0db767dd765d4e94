#!/bin/sh
# BENCHFS_SYSCALLS: calls past the C library see BenchFS as a real directory,
# in threads, children and signal handlers; without it they do not.
. "${0%/*}/lib.sh"

run_options=--syscalls
both '"$helpers/raw" "$D"'
run_options='--syscalls -o storage.max_storage_gb=1'
both '"$helpers/raw" "$D"'

# the environment does the same
run_options=
BENCHFS_SYSCALLS=1
export BENCHFS_SYSCALLS
both '"$helpers/raw" "$D"'
BENCHFS_SYSCALLS=0
rc=0
bfs "$helpers/raw" "$mnt" >"$T/out" 2>&1 || rc=$?
[ $rc = 1 ] || fail "served without being asked to"
unset BENCHFS_SYSCALLS

# what other programs do is not disturbed
run_options=--syscalls
both '"$helpers/threads" "$D"; rm "$D/shared"; ls "$D" | wc -l'
both '"$helpers/forks" "$D" 20; rm "$D/taken"'
both 'cd "$D"; seq 1000 >a; (sort -r a | head -n 5; wc -l <a) >b; cat b
	mkdir c; mv a c; ls c; find . | sort; trap "echo trapped" USR1; kill -USR1 $$'
# (the loader maps what it opens, which only a file that is passed through can)
if [ "${BENCHFS_TRANSPORT:-}" != ucx ] && command -v gcc >/dev/null; then
	# the loader's calls behind the start: a library by its name alone, and
	# one that a library of the real tree looks for in BenchFS
	both 'cd "$D"
	echo "int one(void) { return 1; }" >one.c
	echo "int one(void); int two(void) { return 1 + one(); }" >two.c
	cat >main.c <<"END"
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv)
{
	void *h = dlopen(argv[1], RTLD_NOW);
	int (*f)(void) = h ? (int (*)(void))dlsym(h, argv[2]) : 0;

	printf("%d\n", f ? f() : -1);
	if (!h)
		fprintf(stderr, "%s\n", dlerror());
	return 0;
}
END
	gcc -shared -fPIC -o libone.so one.c
	gcc -shared -fPIC -o "$W/libtwo.so" two.c -L. -lone -Wl,-rpath,"$D"
	gcc -o main main.c
	LD_LIBRARY_PATH=$D ./main libone.so one
	./main "$W/libtwo.so" two
	rm main libone.so "$W/libtwo.so"'
fi
