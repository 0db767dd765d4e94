#!/bin/sh
# rm and rmdir: trees, read-only directories' contents, what must be refused.
. "${0%/*}/lib.sh"

both '
cd "$D"
for i in 1 2 3 4 5; do
	mkdir -p "t/$i/a/b/c" "keep/$i"
	for j in 1 2 3 4 5 6 7 8 9 0; do echo $i$j >"t/$i/a/$j"; done
	ln -s ../../keep "t/$i/link"; echo $i >"keep/$i/f"
done
rm -r t/1 t/2
rm -rf t none; echo $?
rm none 2>&1 || echo "missing: $?"
rm keep 2>&1 || echo "a directory: $?"
rmdir keep 2>&1 || echo "not empty: $?"
rm -d keep 2>&1 || echo "not empty: $?"
mkdir -p p/q/r; rmdir -p p/q/r; ls
ln keep/1/f keep/hard; rm keep/1/f; cat keep/hard; stat -c %h keep/hard
ln -s keep gone; rm gone; ln -s keep gone2
rm gone2/ 2>&1 || echo "slash: $?"
rm -r gone2; rmdir keep/1; touch -- "-f" "a b" "*"; rm -- -f "a b"; rm "*"
unlink keep/hard
rm keep/2/f/ 2>&1 || echo "file with a slash: $?"
rm -r . 2>&1 || echo "dot: $?"
'
# D_type and the space of what was removed: nothing of it may come back (A4).
both '
cd "$D"; seq 30000 >f; rm f; : >f; truncate -s 100000 f
cmp -n 100000 f /dev/zero && echo "reads as zeros"
'
