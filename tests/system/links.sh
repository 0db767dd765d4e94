#!/bin/sh
# Hard links: counts, contents, times, limits, across directories and borders.
. "${0%/*}/lib.sh"

both '
cd "$D"; mkdir d e; echo 1 >f; ln f g; ln g d/h; ln d/h e/i; stat -c "%n %h" f g d/h e/i
echo 2 >>e/i; cat f g d/h; chmod 640 g; stat -c %a f; touch -d 2002-02-02 d/h; stat -c %Y f
[ "$(stat -c %i f)" = "$(stat -c %i e/i)" ] && echo "one inode"; find . -samefile g | sort
rm f; stat -c %h g; mv d/h d/k; mv e/i g 2>&1 || :; stat -c %h g; cat d/k; ln g d/k 2>&1 || :; ln d x 2>&1 || :
ln none x 2>&1 || :; ln g none/x 2>&1 || :; ln -f d/k g2; ln -f g2 g; ls; rm -r d; cat g; stat -c %h g
i=0; while [ $i -lt 100 ]; do ln g "l$i"; i=$((i + 1)); done; stat -c %h g l50; rm l*; stat -c %h g
sed -i s/1/one/ g; cat g; tar cf t.tar g g2; tar tvf t.tar | grep -c "link to" || :; rm t.tar
'
# over the border it is EXDEV
inside '
echo x >"$W/real"; echo y >"$D/f"
ln "$W/real" "$D/l" 2>"$W/e" && exit 1; grep -q "Invalid cross-device link" "$W/e"
ln "$D/f" "$W/l" 2>"$W/e" && exit 1; grep -q "Invalid cross-device link" "$W/e"
[ ! -e "$D/l" ] && [ ! -e "$W/l" ]
'
