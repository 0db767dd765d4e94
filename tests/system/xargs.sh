#!/bin/sh
# find -exec and xargs -P: many short programs at once on the same directory.
. "${0%/*}/lib.sh"

both '
cd "$D"; mkdir in out; seq 40 | xargs -I{} -P 4 sh -c "seq {} >in/{}"
find in -type f -print0 | xargs -0 -n 3 -P 4 sh -c "for f; do tac \"\$f\" >out/\${f##*/}; done" x
find in -type f -exec sh -c "echo \"\$1\" >>names" x {} \; ; sort names | md5sum
seq 60 | xargs -n 1 -P 4 sh -c "echo line \$1 >>log" x; sort -o log log; wc -l log
ls out | xargs -I{} -P 2 mv out/{} out/{}.moved; ls out | wc -l
ls -d in/* | xargs -P 4 -n 5 chmod 600; seq 30 | xargs -P 3 -I{} mkdir -p deep/a/b/{}/c
ls out | xargs -a - -n 7 -P 3 sh -c "cd out && rm -- \"\$@\"" x; ls out; ls deep/a/b | wc -l; sort -o names names
'
