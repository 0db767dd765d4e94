#!/bin/sh
# sed -i, sort -o, shuf, tee, truncate, install: files that replace themselves.
. "${0%/*}/lib.sh"

both '
cd "$D"; seq 5000 >f; chmod 640 f; ln f other
sed -i "s/^1/one /" f; stat -c "%a %h" f; md5sum f other
sed -i.bak "2d" f; ls; sed -n "1,3p" f; sed -n "w out" f; cmp f out
ln -s f link; sed -i --follow-symlinks "1d" link; readlink link; wc -l f
sed -i "s/x/y/" none 2>&1 || echo "missing: $?"
sort -r f -o f; head -n 2 f; sort -S 100k -T "$D" -n f.bak >sorted; md5sum sorted
echo a | tee t1 t2; echo b | tee -a t1; cat t1 t2
install -D -m 711 f i/n/stall; stat -c %a i/n/stall
seq 10 | shuf -o s; sort -no s s; cat s; awk "{ print > (\"awk.\" \$1 % 2) }" s; wc -l awk.*
join t1 t1; comm -12 t1 t2; paste t1 t2 >p; tr a-z A-Z <p | uniq >>p; nl p
csplit -s f 10 20; ls xx*; fold -w 2 p; expand p >p2; cut -f1 p
'
