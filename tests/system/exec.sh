#!/bin/sh
# Programs and scripts that lie in BenchFS: #! with arguments, #! with an
# interpreter in BenchFS, PATH, argv[0], permissions, replaced while running.
. "${0%/*}/lib.sh"
requires gcc

both '
cd "$D"; mkdir bin
printf "#!/bin/sh -eu\necho \"\$0 \$*\"\nexit 3\n" >bin/s; chmod +x bin/s
"$D/bin/s" a "b c" || echo $?; bin/s || echo $?; (cd bin; ./s x || echo $?)
PATH=$D/bin:$PATH; export PATH; s y || echo $?; command -v s; env s z || echo $?
cp /bin/cat bin/mycat; echo text | bin/mycat; bin/mycat bin/s; "$D/bin/mycat" <bin/s
printf "#!$D/bin/mycat\nI print myself\n" >self; chmod +x self; ./self; "$D/self"
printf "#!/usr/bin/env -S grep -n .\nline\n" >en; chmod +x en; ./en
printf "echo no hash-bang\n" >plain; chmod +x plain; ./plain
: >empty; chmod +x empty; ./empty; echo "empty $?"
chmod -x plain; ./plain 2>/dev/null || echo "not executable $?"
./none 2>/dev/null || echo "missing $?"; ./bin 2>/dev/null || echo "directory $?"
./self/x 2>/dev/null || echo "not a directory $?"
printf "#!$D/none\n" >badint; chmod +x badint; ./badint 2>/dev/null || echo "interpreter $?"
printf "\177ELFgarbage" >badelf; chmod +x badelf; ./badelf 2>/dev/null || echo "garbage $?"
cat >p.c <<END
#include <stdio.h>
#include <unistd.h>
int main(int c, char **v)
{
	char b[4096]; ssize_t n;
	printf("%s %d", v[0], c);
	if ((n = readlink("/proc/self/exe", b, sizeof(b) - 1)) > 0)
		b[n] = 0;
	puts(n > 0 ? "" : " no exe");
	return c > 1 ? execv(v[1], v + 1) : 0;
}
END
gcc -o p p.c; ./p; "$D/p" "$D/p" "$D/bin/mycat" bin/s; ./p /bin/echo out; ln -s p lp; ./lp; ln p hp; ./hp
(exec -a other ./p) 2>/dev/null || :
cp /bin/sleep sl; ./sl 0.2 & while [ "$(cat /proc/$!/comm)" = sh ]; do sleep 0.01; done; cp p sl2; mv sl2 sl; ./sl; wait $! && echo "ran on"; rm sl
find . -name self -exec {} \; ; echo bin/s | xargs -I{} sh -c "{} via xargs" || echo "xargs $?"
nice ./p; timeout 5 ./p; setsid -w ./p; nohup ./p 2>/dev/null; rm -f p hp bin/mycat
'

# ETXTBSY: what is open for writing is not executed, what runs is not written
busy='
cd "$D"; cp /bin/sleep p; chmod +x p
./p 0 && echo fine; exec 5>>p; ./p 0 2>/dev/null || echo "busy $?"; exec 5<p; ./p 0 && echo fine; exec 5>&-; ./p 0 && echo fine
./p 300 & until [ "$(cat /proc/$!/comm)" = p ]; do sleep 0.01; done; (: >p) 2>/dev/null || echo "it runs"; (: >>p) 2>/dev/null || echo "it runs"; kill $!; wait $! || echo "killed $?"
: >>p; ./p 0 && echo fine
'
both "$busy"
run_options='-o storage.max_storage_gb=1'
both "$busy"
