#!/bin/sh
# Symbolic links: absolute into BenchFS, relative, out to the real tree and back,
# dangling, loops, in the middle of paths, with a slash behind.
. "${0%/*}/lib.sh"

both '
cd "$D"; mkdir -p a/b "$W/r/s"; echo f >a/f; echo real >"$W/r/f"
ln -s "$D/a/f" abs; ln -s a/f rel; ln -s "$W/r" out; ln -s "$W/r/f" outf; ln -s none dang; ln -s loop loop
ln -s l2 l1; ln -s l3 l2; ln -s a l3; ln -s .. a/b/up; ln -s / a/root; ln -s "$D/../$(basename "$D")/a" dots
ln -s ../../../../../../../../../../../../ tomany
cat abs rel out/f outf l1/f l1/b/up/f "a/root$D/a/f" dots/f a/b/up/b/up/f "tomany$D/a/f"
for l in abs rel out outf dang loop l1 a/root tomany; do
	readlink "$l"; readlink -f "$l" || echo "no path: $?"; realpath "$l" 2>/dev/null || echo none
	[ -L "$l" ] && [ -e "$l" ] && echo exists; [ -d "$l" ] && echo directory
	stat -L -c "%F" "$l" 2>/dev/null || echo "stat: $?"
done
cat dang 2>&1 || :; cat loop 2>&1 || :; ls loop/x 2>&1 || :; cat abs/ 2>&1 || :; ls l1/
echo through >dang; cat none; echo x >out/new; cat "$W/r/new"; echo y >>outf; cat "$W/r/f"
mkdir dang 2>&1 || :; ln -s x dang 2>&1 || :; rm dang; ls none; rmdir l1 2>&1 || :
mkdir out/dir; ls "$W/r"; mv out/dir out/moved; rm -r out/moved; cp -r out/. copied; ls copied
(cd out; pwd; /bin/pwd; cd ..; pwd); (cd l1/b; pwd -P; cat ../f)
ln -sf a/b rel; readlink rel; ln -sfn a rel; readlink rel; mv rel rel2; readlink rel2
ln -P rel2 hardsym; stat -c "%h %F" hardsym; chmod 600 abs; stat -c %a a/f abs; touch -h -d 2001-01-01 rel2; stat -c %Y rel2
i=0; p=a/f; while [ $i -lt 42 ]; do ln -s "$p" "c$i"; p=c$i; i=$((i + 1)); done
cat c38; cat c39; cat c40 2>&1 || :; find . -type l -xtype l 2>/dev/null | sort | head -n 3; rm -r out rel2 dots; ls "$W/r"; rm c[0-9]*; ls -L | sort
ln -s "$(printf "%04095d" 0)" long; readlink long | wc -c; ln -s "$(printf "%04096d" 0)" long2 2>/dev/null || echo "too long"; ln -s "" empty 2>&1 || :
'

# Paths of the real tree that lead in, by a link, by "..", or written in another way; and some that lead nowhere.
both 'cd "$D"; mkdir d; echo hi >d/f; ln -s "$D/d" "$W/in"; ln -s in "$W/in2"; ln -s "$D/d/f" "$W/f"
for p in "$W/in/f" "$W/in2/f" "$W/f" "/.$D/d/f" "/$D/d/f" "/usr/..$D/d/f" "$W/in/../d/f" "$W/in/..d" "$W/..in" "$W/.in/f" \
	"$W/none" "$W/in/none" "$W/no/ne" "$W/in/no/ne" "$W/in//f" "$W/./in/f" "$W/in/." "$W/in/"; do
	if [ -e "$p" ]; then echo "there"; else echo "not there"; fi; cat "$p" || echo "status $?"
done; cd /; cat ".$D/d/f"; cd /usr; cat "..$D/d/f"; rm -r "$D/d" "$W/in" "$W/in2" "$W/f"'
