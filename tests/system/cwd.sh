#!/bin/sh
# The working directory in BenchFS: cd, .., pwd, relative paths, exec and fork
# with it, renamed and removed under the process.
. "${0%/*}/lib.sh"
requires bash

script='
mkdir -p "$D/a/b/c"; echo f >"$D/a/f"; ln -s a/b "$D/l"
cd "$D/a"; pwd; /bin/pwd; cat f ./f ../a/f; ls; stat -c %n f
cd b; pwd; cat ../f; cd ..; pwd; cd "$D/l"; pwd; pwd -P; /bin/pwd -P; cd ..; pwd
cd -P l; pwd; cd ..; pwd; cd ./b/../b/c; echo x >../y; cat "$D/a/b/y"
mkdir p q; mv p q/; ls q; rmdir q/p q; ln ../y hard; ln -s ../y soft; cat soft
(cd "$D"; pwd; sh -c "pwd; cd a; pwd; cat f"); pwd
sh -c "cd ..; exec /bin/pwd"; env -i PATH="$PATH" true; env -C "$D/a" cat f
[ "$(cd .. && pwd)" = "$D/a/b" ] && echo "a subshell leaves it alone"
cd "$W"; echo real >real; pwd; ls; cd - >/dev/null; pwd
cd /; ls "$D"; cd usr; pwd; ls -d bin; cd "$D/a/b/c"; cd ../../../..; [ ! -e a/f ] && pwd | grep -c "d$" || :
cd "$D/none" 2>/dev/null || echo "missing"; cd "$D/a/f" 2>/dev/null || echo "a file"
cd "$D/a/b"; ls | sort; mkdir moved; cd moved; mv ../moved ../renamed; /bin/pwd; : >in; ls ../renamed
mkdir "$D/gone"; cd "$D/gone"; rmdir "$D/gone"; ls; /bin/pwd 2>/dev/null || echo "no cwd"
(echo >x) 2>/dev/null || echo "cannot create"
cat none 2>/dev/null || echo none; cd ..; pwd; mkdir again; cd again; ls -la | wc -l; ls .. | sort
readlink -f .; readlink -f ../a/f; realpath --relative-to=.. .
'
both "$script"
# What has the name of a working directory that was removed is not that one.
both '
for i in 1 2 3 4 5 6 7 8; do
	mkdir "$D/a$i" "$D/n$i" "$D/n$i/in"; echo f >"$D/f$i"
	cd "$D/a$i"; rmdir "$D/a$i"; ls none in 2>&1 | wc -l; ln "$D/f$i" "$D/a$i"
	stat -c %h "$D/a$i"; cat "$D/a$i/x" 2>&1 || :; cd "$D"
	mkdir "$D/b$i"; cd "$D/b$i"; mv -T "$D/n$i" "$D/b$i"; ls -a | wc -l
	stat -c %n "$D/b$i/in"; cd "$D/b$i"; ls
done
'
both -s 'bash -eu' "$script"
# a process whose working directory is in BenchFS sees the rest as it is
inside '
want "$(cd /usr/lib && /bin/pwd)" /usr/lib
cd "$D"; echo x >x
want "$(cd "$W" && echo y >y && cat "$W/y")" y
want "$(cat "$W/../w/y" /dev/null)" y
cd "$mnt/.."; want "$(/bin/pwd)" /; [ -d usr ]; want "$(cat ".$D/x")" x
cd "$mnt"; want "$(/bin/pwd)" "$mnt"; cd ..; want "$(/bin/pwd)" /
cd "$D"; [ -f ../../etc/passwd ]; want "$(cat "../..$D/x")" x
'
