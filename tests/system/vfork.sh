#!/bin/sh
# What a child of vfork does is not its parent's (R6, R10, S6, S10): the child
# has the parent's memory, where the library keeps what it knows of both.
. "${0%/*}/lib.sh"
! grep -q -e __asan_init -e __tsan_init "$helpers/vfork" ||
	skip "a sanitizer has a vfork of its own"

run_options="$run_options -o auth.allow_users=*"
both 'cd "$D"; "$helpers/vfork" /bin/true'
# programs that use it; make and python have a child do a bit more than dash
both 'cd "$D"; echo in >f; for i in 1 2 3; do cat <f >>out; done 3<f
printf "all:\n\techo made >made; cat f >copy\n" >Makefile
make -s; cat out made copy'
both '"$PY" - "$D" <<"END"
import os, subprocess, sys
os.chdir(sys.argv[1])
os.mkdir("sub")
with open("f", "w+") as f:
    for i in range(20):
        subprocess.check_call(["echo", str(i)], stdout=f, cwd="sub" if i % 2 else None)
        subprocess.check_call(["sh", "-c", "echo %d >>g" % i], cwd="sub")
print(open("f").read(), open("sub/g").read(), sorted(os.listdir(".")))
END'
# A program that was run before is another one by now: its interpreter lies in
# the directory.  It was not written a moment ago when it was run first.
both 'cd "$D"; cp /bin/true "$W/p"; cp /bin/echo interp
n=0; while [ "$(stat -c %Z "$W/p")" -ge $(($(date +%s) - 3)) ] && [ $n -lt 100 ]; do
	sleep 0.1; n=$((n + 1)); done
for i in 1 2 3; do "$W/p" || exit 1; done
printf "#!%s\n" "$D/interp" >"$W/p"; "$W/p" is a script now | sed "s|$W|W|"
cp /bin/echo "$W/p"; "$W/p" and a program'
