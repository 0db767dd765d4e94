#!/bin/sh
# diff and patch: apply, reverse, create, delete, reject, back up.
. "${0%/*}/lib.sh"
requires patch

both '
mkdir "$D/a" "$D/b"; cd "$D"; seq 100 >a/f; seq 100 | sed "s/^5./x&/" >b/f
echo gone >a/gone; echo new >b/new; chmod 755 a/f
diff -ruN --label=a/f --label=b/f a/f b/f >p && exit 1
diff -uN --label=a/gone --label=/dev/null a/gone b/gone >>p || :
diff -uN --label=/dev/null --label=b/new a/new b/new >>p || :
cd a; patch -p1 <../p; ls; cmp f ../b/f && echo applied; stat -c %a f
patch -R -p1 <../p; seq 100 | cmp - f && echo reversed; ls
patch --dry-run -p1 -i ../p; sed -i "s/^50/other/" f; patch -b -p1 <../p || echo "reject: $?"
ls; wc -l f.rej; cd ..; patch -o out b/f <p >/dev/null 2>&1 || echo "again: $?"
diff a/f b/f | head -n 4; diff3 a/f b/f a/f | wc -l; sdiff -s a/f b/f | wc -l
'
