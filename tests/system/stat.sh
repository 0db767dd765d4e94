#!/bin/sh
# S8: what stat says is true: numbers, links, modes, sizes, blocks, all times.
. "${0%/*}/lib.sh"
requires "$PY"

both '"$PY" "$py/attributes.py"'
# st_ino is unique: no number comes twice among many, also after removals
inside '
cd "$D"; for i in $(seq 300); do : >f$i; done; ls -i | awk "{ print \$1 }" >"$W/1"
rm f*; for i in $(seq 300); do : >g$i; done; ls -i | awk "{ print \$1 }" >"$W/2"
want "$(sort -u "$W/1" "$W/2" | wc -l)" 600
'
both '
cd "$D"; echo abc >f; touch -d "2001-02-03 04:05:06.789" f; ln f g; mkdir -m 1777 d; ln -s f l
stat -c "%n %F %s %a %A %h %u %g %X %Y %y" f l d | sed "s/ [0-9: .+-]*$//;/^d/d"
stat -c "%n %F %a" d; stat -L -c %F l; stat -c "%y" f; test f -ef g && echo same
test -k d && echo sticky; stat none 2>&1 || echo $?; stat f/ 2>&1 || echo $?
[ "$(stat -c %W f)" -ge 0 ] && echo birth; date -r f +%s; stat -f -c %i . | wc -l
'
