#!/bin/sh
# split and cat; gzip, xz and bzip2 in place and as filters.
. "${0%/*}/lib.sh"
requires gzip xz

both '
cd "$D"; seq 60000 >f; touch -d 2003-03-03 f; chmod 640 f
split -b 30000 f p.; ls p.*; cat p.* >joined; cmp f joined && echo joined
split -n l/4 -d --additional-suffix=.txt f q; cat q*.txt | cmp - f && echo lines
split -l 20000 --filter="cat >\$FILE.x" f r; wc -l r*.x; rm p.* q* r*
cp -p f g; gzip g; ls; gzip -l g.gz; gzip -dc g.gz | cmp - f && echo gzip
gunzip g.gz; stat -c "%a %Y" g; gzip -t g 2>&1 || echo "not gzip: $?"
xz -0 -T1 g; xz -l g.xz | wc -l; xzcat g.xz | cmp - f && echo xz; xz -d g.xz
stat -c "%a %Y" g; cat f g | md5sum; cat <f >c; cat f - <g >>c; wc -c c
cat none 2>&1 || echo "missing: $?"; cat . 2>&1 || echo "a directory: $?"
zcat -f f | md5sum; gzip -c f >o.gz; gzip -f o.gz 2>&1 || echo "suffix: $?"; rm *.gz
cat f >>f 2>&1 || echo "input is output: $?"; tail -n 1 f
'
