#!/bin/sh
# umask, chmod, chown, touch, truncate: modes and times by the book.
. "${0%/*}/lib.sh"

both '
cd "$D"
for m in 000 022 027 077 777; do
	(umask $m; : >f$m; mkdir d$m; mkfifo p$m; cp /bin/true x$m; (umask; echo x >c$m); mkdir -m 1755 m$m; ln -s x l$m)
done
stat -c "%n %a" ./*; umask 022; [ "$(umask)" = 0022 ] && echo back
: >f; for m in 7777 0000 4755 2755 1644 u+x,g-r a=rw,+X u=rwx,g=u,o-w; do chmod $m f; stat -c "%a %A" f; done
mkdir d; chmod 2775 d; mkdir d/s; stat -c %a d/s; chmod -R go-rwx d; stat -c %a d d/s; chmod --reference=d f; stat -c %a f
chmod 644 none 2>&1 || :; touch -d "1970-01-01 00:00:00" f; stat -c %Y f; touch -d "1960-01-01" f; stat -c %Y f
touch -d "2040-06-07 08:09:10.123456789" f; stat -c "%y" f; touch -a -d 2000-01-01 f; stat -c "%X %Y" f; touch -m -d 2001-01-01 f; stat -c "%X %Y" f
touch -r f g; stat -c "%X %Y" g; touch -c none; [ ! -e none ] && echo "not created"; touch new d/new; touch x/y 2>&1 || :
touch -d @1234567890.000000001 d; stat -c %y d; chmod 600 f; cp -p f pf; stat -c "%a %X %Y" pf; touch f; [ f -nt g ] && echo newer
'
[ "$(id -u)" = 0 ] || exit 0
both '
cd "$D"; : >f; ln -s f l; mkdir -p t/a; : >t/a/f; chmod 6755 f
chown 12:34 f; stat -c "%u:%g %a" f; chown -h 56:78 l; stat -c "%u:%g" l f; chgrp 99 l; stat -c "%u:%g" f
chown -R 7:8 t; stat -c "%u:%g" t t/a t/a/f; chown --from=7 9 t/a; stat -c %u t/a t; chown : f; chown 1 none 2>&1 || :
chown -R --no-dereference 3 .; find . -printf "%p %U\n" | sort; mkdir -m 2755 g; chgrp 55 g; chmod g+s g; : >g/f; mkdir g/d; stat -c "%g %a" g/f g/d; chown 0:0 .
'
