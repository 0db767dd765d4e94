#!/bin/sh
# Programs, here and elsewhere, whose ld.so (PT_INTERP) lies in BenchFS.
. "${0%/*}/lib.sh"
requires gcc "$PY"

both '
ld=$(readelf -l /bin/sh | sed -n "s/.*interpreter: \(.*\)]/\1/p")
cd "$D"; mkdir lib; cp "$ld" lib/my-ld.so
cat >p.c <<END
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int c, char **v)
{
	char b[4096];
	ssize_t n = readlink("/proc/self/exe", b, sizeof(b) - 1);
	b[n > 0 ? n : 0] = 0;
	printf("%s %d %s exe %s", v[0] ? v[0] : "none", c, c > 1 ? v[c - 1] : "-", b);
	printf(" file %s env %s\n", access(v[c - 1], R_OK) ? "no" : "yes", getenv("X"));
	return 7;
}
END
X=y; export X
gcc p.c -o p -Wl,--dynamic-linker="$D/lib/my-ld.so"; cp p "$W/p"
./p || echo $?; ./p a "b c" || echo $?; "$D/p" "$D/p.c" || echo $?
"$W/p" "$D/p.c" x || echo $?; "$W/p" "$D/p.c" || echo $?; env "$W/p" z || echo $?
"$PY" -c "
import os, subprocess, sys
for p in sys.argv[1:]:
    print(subprocess.call([p, \"q\"]), subprocess.call([\"name\", \"r\"], executable=p), flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(os.posix_spawn(p, [\"sp\", p], os.environ), 0)[1]), flush=True)
" "$D/p" "$W/p"
ln -s lib/my-ld.so link; gcc p.c -o q -Wl,--dynamic-linker="$D/link"; ./q by link || echo $?
ln -s "$ld" out; gcc p.c -o r -Wl,--dynamic-linker="$D/out"; ./r by link to it || echo $?
chmod -x "$W/p"; "$W/p" 2>/dev/null || echo "not executable $?"
chmod -x lib/my-ld.so; ./p 2>/dev/null || echo "ld.so is not executable $?"
rm lib/my-ld.so; ./p 2>/dev/null || echo "no ld.so $?"; "$W/p" 2>/dev/null || echo "no ld.so $?"
rm p q r "$W/p"
'
