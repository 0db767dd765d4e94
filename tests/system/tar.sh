#!/bin/sh
# tar: create, append, compare and extract, in BenchFS and across its border.
. "${0%/*}/lib.sh"
requires tar gzip

both '
mkdir -p "$W/src/d/e"; seq 9000 >"$W/src/d/f"; ln "$W/src/d/f" "$W/src/hard"
ln -s d/f "$W/src/sym"; mkfifo "$W/src/p"; truncate -s 300000 "$W/src/sparse"
echo end >>"$W/src/sparse"; chmod 2750 "$W/src/d"; chmod 4711 "$W/src/d/f"
find "$W/src" -exec touch -h -d "2011-12-13 14:15:16.171819" {} +
cd "$W"; tar -cf "$D/t.tar" src
cd "$D"; tar -xpf t.tar; tar -df t.tar && echo equal
tar --posix -Sczf t.tgz src; mkdir again; tar -xzf t.tgz -C again
tar -C again -df t.tgz && echo equal
tar -tvf t.tar --full-time | sort
mkdir "$W/out"; tar -xpf t.tar -C "$W/out"; "$helpers/tree" "$W/out/src"
echo new >src/new; touch -d 2012-01-01 src/new; tar -rf t.tar src/new
tar -tf t.tar | sort; tar -uf t.tar src; tar --delete -f t.tar src/p
(cd src && tar -cf - .) | (mkdir copy && cd copy && tar -xpf -)
diff -r --no-dereference --exclude=p src copy && echo same; rm t.tgz t.tar
find . -exec touch -h -d 2011-01-01 {} +
'
# extended attributes, where the real directory has them too
"$PY" -c 'import os, sys; os.setxattr(sys.argv[1], "user.a", b"1")' "$T" ||
	exit 0
both '
mkdir "$D/x"; echo x >"$D/x/f"
"$PY" -c "import os; os.setxattr(\"$D/x/f\", \"user.name\", b\"va\\0lue\")"
cd "$D"; tar --xattrs -cf t.tar x; mkdir out; tar --xattrs -xf t.tar -C out
"$PY" -c "import os; print(os.getxattr(\"out/x/f\", \"user.name\"))"; rm t.tar
'
