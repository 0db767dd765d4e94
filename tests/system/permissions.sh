#!/bin/sh
# S9: permissions are checked for the caller's present user and groups.
. "${0%/*}/lib.sh"
requires_root
requires setpriv "$PY"
chmod 755 "$T"; mkdir -m 1777 "$T/open"

cat >"$T/perm" <<'END'
# the shell drops the capabilities that setpriv itself keeps
as() { u=$1 g=$2; shift 2; setpriv --reuid "$u" --regid "$g" --clear-groups sh -c 'exec "$@"' sh "$@"; }
try() { "$@" 2>/dev/null && echo "ok: $*" || echo "no $?: $*"; }
chmod 755 "$D"; cd "$D"
mkdir -m 755 pub; mkdir -m 700 priv; mkdir -m 1777 tmp; mkdir -m 2775 set; mkdir -m 711 x
chown 1000:2000 set; echo secret >priv/f; echo text >pub/f; chmod 600 pub/f; echo r >pub/r
echo own >pub/own; chown 1000:1000 pub/own; chmod 400 pub/own; echo g >pub/g; chown 0:2000 pub/g
chmod 060 pub/g; cp /bin/true pub/true; chmod 700 pub/true; echo in >x/in
for w in "1000 1000" "1001 2000"; do
	try as $w cat pub/f; try as $w cat pub/r; try as $w cat priv/f; try as $w ls priv
	try as $w cat pub/own; try as $w cat pub/g; try as $w pub/true; try as $w ls x; try as $w cat x/in
	try as $w touch pub/new; try as $w rm pub/r; try as $w mv pub/r pub/q; try as $w mkdir pub/d
	try as $w chmod 777 pub/r; try as $w chown 1000 pub/r; try as $w chmod 644 pub/own
	try as $w sh -c "echo x >pub/own"; try as $w ln pub/r tmp/hard.${w% *}; try as $w touch pub/r
	try as $w sh -c "echo $w >tmp/f.${w% *}"; try as $w sh -c "echo >set/${w% *}"
	try as $w touch -d 2000-01-01 pub/own; try as $w setpriv --help >/dev/null
	try as $w chgrp 2000 pub/own; try as $w test -r pub/f; try as $w test -w tmp; try as $w test -x x
	try as $w truncate -s 0 pub/r; try as $w ln -s x pub/l; try as $w rmdir priv; try as $w sh -c "cd priv"
done
try as 1001 1001 rm -f tmp/f.1000; try as 1000 1000 rm -f tmp/f.1000; try as 1001 1001 mv tmp/f.1001 tmp/m
stat -c "%n %a %u:%g" pub/* tmp/* set/*
try setpriv --reuid 1005 --regid 1005 --groups 2000,7 cat pub/g
# root may do anything
chmod 000 pub/own; cat pub/own; as 1000 1000 sh -c "umask 077; echo >tmp/u; mkdir tmp/ud; stat -c %a tmp/u tmp/ud"
# set-id bits go at a write by another, at chown and stay for directories
echo x >s; chmod 6777 s; as 1001 1001 sh -c "echo y >>s"; stat -c %a s; chmod 6755 s; chown 1000:1000 s; stat -c %a s
mkdir set/sub; stat -c "%a %g" set/sub
END
chmod 644 "$T"/*
# other users are let in only where the configuration says so
printf 'auth: { allow_users = "*"; };\n' >"$T/conf"
run_options="-c $T/conf"
TMPDIR=$T/open both '. "$T/perm"'
both '"$PY" "$py/setuid.py"'
