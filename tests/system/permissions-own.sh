#!/bin/sh
# S9 for an ordinary user: modes deny the owner too, in all kinds of calls.
. "${0%/*}/lib.sh"

# as root, become an ordinary user first
if [ "$(id -u)" = 0 ] && [ "${1:-}" != inside ]; then
	requires setpriv
	[ -z "${BENCHFS_TEST_FAR:-}" ] || skip "only root enters namespaces"
	setpriv --reuid 12345 --regid 12345 --clear-groups \
		test -x "$builddir/run" || skip "the build tree is not open to others"
	T2=$(mktemp -d /tmp/bfs-own.XXXXXX)
	at_exit='rm -rf "$T2"'
	chmod 777 "$T2"
	TMPDIR=$T2 setpriv --reuid 12345 --regid 12345 --clear-groups \
		sh "$0" inside
	exit
fi

both '
t() { "$@" 2>/dev/null && echo "ok: $*" || echo "no $?: $*"; }
cd "$D"; echo f >f; mkdir d; echo in >d/f; cp /bin/true x; mkdir d/sub
chmod 000 f; t cat f; t sh -c "echo >f"; chmod 200 f; t cat f; t sh -c "echo w >>f"; chmod 400 f; t cat f; t sh -c "echo >f"
chmod 644 f; t truncate -s 1 f; chmod 444 f; t truncate -s 0 f; t touch f; t touch -d 2001-01-01 f; t chmod 600 f
chmod 000 d; t ls d; t cat d/f; t stat -c %s d/f; t cd d; chmod 400 d; t ls d; t cat d/f; chmod 100 d; t ls d; t cat d/f; t touch d/new; t stat -c %s d/f
chmod 500 d; t rm -f d/f; t mv d/f g; t mkdir d/x; t ln f d/x; t ln -s f d/x; t rmdir d/sub; t mkfifo d/p; t mv f d/; chmod 300 d; t ls d; t touch d/new; t cat d/f
chmod 700 d; t rm d/f; chmod 600 x; t ./x; chmod 711 x; t ./x; chmod 100 x; t ./x; t cat x
t chown 0 f; t chgrp 0 f; t chgrp "$(id -g)" f; chmod 2755 f; stat -c %a f; chmod 4711 x; stat -c %a x; t mknod n c 1 3
mkdir -m 000 closed; t rmdir closed; mkdir -p m/n; chmod 000 m/n; t rm -r m; t mv m/n n2; t mv m m2; chmod 700 m2/n 2>/dev/null || :; ls -R
t test -r f; t test -w f; chmod 000 f; t test -r f; t test -x f; t test -e d/none; chmod 644 f
mkdir -m 1777 st; echo >st/mine; t rm st/mine; stat -c "%n %a %u:%g" *
'
