#!/bin/sh
# rsync -a: in, out, within; a second run finds nothing to do; --inplace.
. "${0%/*}/lib.sh"
requires rsync

both '
mkdir -p "$W/src/a/b"; cp "$srcdir"/core/*.h "$W/src/a"; seq 30000 >"$W/src/big"
ln -s a/b "$W/src/l"; ln "$W/src/big" "$W/src/hard"; chmod 600 "$W/src/a/"*
find "$W/src" -exec touch -h -d "2015-05-06 07:08:09.101112" {} +
rsync -aH "$W/src/" "$D/t"; rsync -aHi "$W/src/" "$D/t"; echo "nothing to do"
rsync -aHci --delete "$D/t/" "$D/u"
echo changed >>"$D/t/big"; rm "$D/t/a/wire.h"; : >"$D/t/a/b/new"
touch -d 2016-01-01 "$D/t/big" "$D/t/a/b/new" "$D/t/a/b" "$D/t/a"
rsync -aHi --delete "$D/t/" "$D/u" | sort
sed "s/^2/two/" "$W/src/big" >"$W/new"; touch -d 2017-01-01 "$W/new"
rsync --inplace --no-whole-file -ti "$W/new" "$D/t/big"; cmp "$W/new" "$D/t/big"
rsync -aHn --delete -i "$D/t/" "$D/u" | sort
rsync -a "$D/t/" "$W/out"; diff -r --no-dereference "$D/t" "$W/out" && echo same
rsync -a --append "$W/new" "$D/app"; rsync -S -a "$W/new" "$D/sparse"
'
