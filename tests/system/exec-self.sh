#!/bin/sh
# What a program finds out about itself and passes on: its path and name, an
# emptied environment, descriptors, the working directory, system and popen.
. "${0%/*}/lib.sh"
requires perl "$PY"

both '
cp /usr/bin/readlink /usr/bin/env /bin/cat /bin/sh "$D"; cd "$D"; echo data >f
./readlink /proc/self/exe; "$D/readlink" -f /proc/self/exe; ln -s readlink l; ./l /proc/self/exe
env -i /bin/cat "$D/f"; env -i "$D/cat" f; env -i ./env -i ./env X=1 ./cat ./f; env -i ./env | grep -v -e ^LD_ -e ^BENCHFS_ -e ^UCX_TLS= -e ^.*SAN_OPTIONS || :
exec 5<f; ./sh -c "read x <&5; echo \$x"; exec 5<&-; ./sh -c "./sh -c pwd"; (cd /; "$D/sh" -c "pwd; cd $D; ./cat f")
exec 6>fd6 7>&6; echo one >&6; ./sh -c "echo two >&7; exec 7>&-; exec $D/sh -c \"echo three >&6\""; ./cat fd6
./sh -c "umask 077; ./sh -c \"umask; : >made\""; stat -c %a made
perl -e "open(F, qq{>out}); \$| = 1; open(STDOUT, qq{>&F}); system(qq{echo system; exit 3}); print \$? >> 8, qq{\n}; print \`echo backtick; cat f\`; system(qq{./cat}, qq{f})"; cat out
printf "#!/bin/sh\necho \$0\n" >s; chmod +x s; i=1; p=$D/s; while [ $i -lt 8 ]; do printf "#!$p\n" >s$i; chmod +x s$i; ./s$i 2>/dev/null || echo "level $i: $?"; p=$D/s$i; i=$((i + 1)); done
rm readlink env cat sh s s[0-9]
'
both '
cd "$D"; cp /bin/cat .; echo data >f; "$PY" -c "
import ctypes, os, subprocess
print(os.popen(\"cat f\").read())
p = os.popen(\"cat >w; exit 4\", \"w\"); p.write(\"written\"); print(p.close(), open(\"w\").read())
print(subprocess.run([\"./cat\", \"f\"], stdout=subprocess.PIPE).stdout)
print(subprocess.run(\"cat f; exit 3\", shell=True, stdout=open(\"o\", \"w\")).returncode, open(\"o\").read())
print(subprocess.run([\"cat\", \"f\"], close_fds=False, cwd=os.environ[\"D\"], capture_output=True).stdout)
libc = ctypes.CDLL(None)
print(libc.system(b\"exit 7\") >> 8, libc.system(None))
libc.popen.restype = libc.fdopen.restype = ctypes.c_void_p
f = ctypes.c_void_p(libc.popen(b\"exit 5\", b\"re\")); print(libc.pclose(f) >> 8, libc.popen(b\"x\", b\"rw\"), libc.popen(b\"x\", b\"\"))
f = ctypes.c_void_p(libc.popen(b\"cat >late; exit 6\", b\"w\")); libc.fputs(b\"text\", f); print(libc.fclose(f) >> 8, open(\"late\").read())
"; rm cat'
# over UCX the kernel does not know of writers
[ "${BENCHFS_TRANSPORT:-}" = ucx ] || both '
cd "$D"; cp /bin/cat .; exec 4>>cat; ./cat cat 2>/dev/null || echo "busy $?"; exec 4>&-; echo free | ./cat
'
inside '
cd "$D"; cp /bin/sleep mysleep; cp /usr/bin/env .; ./mysleep 30 & p=$!; while [ "$(cat /proc/$p/comm)" != mysleep ]; do kill -0 $p; done; kill $p
want "$(./env | grep -E "^(BENCHFS_(EXE|STATE)|LD_AUDIT)=" || :)" ""
want "$(LD_LIBRARY_PATH=$D env | grep -c "^LD_AUDIT=")" 0
'
# a data directory from which nothing may be executed
requires_root
mkdir "$T/noexec"
mount -t tmpfs -o noexec,size=32m none "$T/noexec" 2>/dev/null || skip "may not mount"
at_exit='umount "$T/noexec"'
run_options="-d $T/noexec/data"
inside '
cd "$D"; cp /bin/echo e; want "$(./e in memory)" "in memory"; cp /usr/bin/readlink .; want "$(./readlink /proc/self/exe)" "$D/readlink"
chmod -x e; ./e 2>/dev/null && exit 1; [ $? = 126 ]
'
