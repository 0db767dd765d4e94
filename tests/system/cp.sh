#!/bin/sh
# cp: every option that copies something else than bytes.
. "${0%/*}/lib.sh"

both '
mkdir -p "$W/src/a/b" "$W/src/empty"
echo one >"$W/src/a/f"
seq 20000 >"$W/src/a/b/big"
ln "$W/src/a/f" "$W/src/a/hard"
ln -s ../a/f "$W/src/empty/../a/sym"
ln -s nowhere "$W/src/dangling"
mkfifo "$W/src/fifo"
chmod 4755 "$W/src/a/f"
chmod 0500 "$W/src/a/b/big"
touch -d "2001-02-03 04:05:06.123456789" "$W/src/a/f" "$W/src/empty"
touch -h -d "2002-02-03" "$W/src/dangling"

cp -a "$W/src" "$D/in"			# into
cp -a "$D/in" "$D/within"		# inside
cp -a "$D/in" "$W/out"			# out of
diff -r --no-dereference "$W/src/a" "$W/out/a"
"$helpers/tree" "$W/src" >"$W/1"
"$helpers/tree" "$W/out" >"$W/2"
diff "$W/1" "$W/2"
cp -r "$D/in/a" "$D/plain"
cp -rL "$D/in/a" "$D/followed"
cp --sparse=always "$D/in/a/b/big" "$D/sparse"
cp --reflink=auto "$D/in/a/b/big" "$D/reflinked"
cp -l "$D/in/a/f" "$D/linked"
cp -s "$D/in/a/f" "$D/symlinked"
cp -u "$D/in/a/f" "$D/in/a/b/big" "$D/plain"
cp -b "$D/in/a/f" "$D/sparse"
'
both '
echo old >"$D/f"; echo newer >"$W/f"
cp "$W/f" "$D/f"; cat "$D/f"
cp -n "$D/f" "$W/f"
echo x >"$D/g"; chmod 444 "$D/g"
cp -f "$W/f" "$D/g"
cp "$D/f" "$D/f" 2>&1 || echo "same file: $?"
cp "$D/none" "$D/x" 2>&1 || echo "missing: $?"
mkdir "$D/dir"; cp "$D/f" "$D/dir/"; cp "$D/dir" "$D/y" 2>&1 || echo "dir: $?"
'
