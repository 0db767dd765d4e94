#!/bin/sh
# Operations between BenchFS and the real tree: EXDEV where the kernel says so,
# copies where it copies.
. "${0%/*}/lib.sh"
requires "$PY"

inside '"$PY" "$py/mixed.py"'
both '
cd "$D"; seq 50000 >"$W/in"; cp "$W/in" f; cp f "$W/out"; cmp "$W/in" "$W/out" && echo "there and back"
cat "$W/in" f | sort -u | wc -l; diff "$W/in" f && echo equal; comm -3 "$W/in" f
install "$W/in" i; dd if="$W/in" of=d bs=1M status=none; cmp d i; tee t <"$W/in" >/dev/null; cmp t d
tar -C "$W" -cf - in | tar -xf -; cmp in f; paste f "$W/in" | tail -n 1; head -c 1000 f >"$W/h"; tail -c 100 "$W/h" >tail
(cd "$W"; md5sum in "$D/f" | cut -c1-32 | uniq | wc -l); sort -T "$W" -o s f; sort -T "$D" -S 200k -o "$W/s" f; cmp s "$W/s" && echo sorted
mv f "$W/moved"; mv "$W/moved" f; ln -s "$W/in" l; cmp l f && echo link; cp --reflink=never l "$W/l2"; cmp "$W/l2" f; ls "$W"
'
