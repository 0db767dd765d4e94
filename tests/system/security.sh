#!/bin/sh
# RULES 33-35, S9, F3: who may reach the daemon, what of it others can read, and
# what a client without any checks of ours gets from it (forge.c).
. "${0%/*}/lib.sh"
requires "$PY"

us=$(id -u)
r=$T/run/d data=$T/data
start() {
	timeout 60 "$builddir/run" benchfs start --run-dir "$r" -d "$data" "$@" \
		>"$T/start.out" 2>&1 || { cat "$T/start.out" >&2; fail "no start"; }
	pid=$(cat "$r/pid")
	cp "$r/log" "$T/log.$((n += 1))" 2>/dev/null || :
}
stop() {
	cp "$r/log" "$T/log.$((n += 1))"
	timeout 60 "$builddir/run" benchfs stop --run-dir "$r" >/dev/null 2>&1 ||
		fail "no stop"
}
n=0
at_exit='"$builddir/run" benchfs stop --run-dir "$r" >/dev/null 2>&1'
mode() {
	got=$(stat -c %a "$1") || fail "no $1"
	[ "$got" = "$2" ] || fail "$1 has mode $got, not $2"
}
on() {
	timeout 120 "$builddir/run" sh -c 'eval "$(benchfs env --run-dir "$1" -m "$2")"
		shift 2; exec "$@"' on "$r" "$mnt" "$@"
}

# --- for ourselves only; whatever the umask is
mkdir -m 777 "$r" # as a careless user may have made it
(umask 000 && start -v -o node.log_level=debug)
pid=$(cat "$r/pid")
mode "$r" 700
mode "$r/sock" 600
mode "$data" 700
on sh -c 'cd "$1"; umask 000; echo x >a; mkdir d; echo y >d/b; chmod 777 a d/b
	ln -s a l; mkfifo f; setfattr -n user.x -v 1 a 2>/dev/null; cat a d/b' sh "$mnt" \
	>/dev/null || fail "it does not work"
# data files: nothing for others but x, which the way to them does not give
found=$(find "$data" -type f -perm /066)
[ -z "$found" ] || fail "others can read or write $found"
# (sock is for the sockets of users who get a descriptor of it)
found=$(find "$data" -mindepth 1 -type d ! -path "$data/sock" -perm /077)
[ -z "$found" ] || fail "others can look into $found"

# --- the daemon has given up what it does not need
grep -q 'NoNewPrivs:[[:space:]]*1' "/proc/$pid/status" || fail "no_new_privs is not set"
[ "$us" != 0 ] || "$PY" - "/proc/$pid/status" <<'END' || fail "it keeps what it does not need"
import sys
# setgid, setuid, net_admin, sys_module, sys_admin, mknod
for line in open(sys.argv[1]):
    if line.startswith('Cap'):
        name, mask = line.split()
        bad = [n for n in (6, 7, 12, 16, 21, 27) if int(mask, 16) >> n & 1]
        if bad and name != 'CapAmb:':
            sys.exit(f'{name} {bad}')
END

# --- the secret is nowhere but in its file
secret=$(cat "$data/secret" 2>/dev/null || cat "$data/cluster.secret" 2>/dev/null || :)
[ -n "$secret" ] || fail "no secret in $(ls -A "$data")"
mode "$(ls "$data"/*secret)" 600
stop
start -v -o node.log_level=debug
on true
stop
printf '%s' "$secret" >"$T/secret"
"$PY" - "$T/secret" "$T"/log.* <<'END' || fail "the secret is in a log"
import sys
text = open(sys.argv[1]).read().strip()
forms = [text.encode(), text.upper().encode()]
try:
    raw = bytes.fromhex(text)
    forms += [raw, raw[:8], raw[8:], raw[::-1].hex().encode(),
              raw[:8][::-1].hex().encode(), raw[8:][::-1].hex().encode()]
except ValueError:
    sys.exit(f'the secret is no hex: {text}')
logs = b''.join(open(f, 'rb').read() for f in sys.argv[2:])
if not logs:
    sys.exit('there is no log')
for f in forms:
    if f in logs:
        sys.exit(f'{f!r} is in a log')
END

# --- a run directory of somebody else's is not used
requires_root
requires setpriv
mkdir -m 700 "$T/theirs"
chown 1000:1000 "$T/theirs"
if timeout 60 "$builddir/run" benchfsd --run-dir "$T/theirs" --data-dir "$T/data2" 2>"$T/err"; then
	fail "it uses a directory of another user"
fi
grep -q "belongs to user 1000" "$T/err" || fail "it does not say whose directory it is"

# --- other users
as() {
	u=$1
	shift
	setpriv --reuid "$u" --regid "$u" --clear-groups "$@"
}
cp "$helpers/forge" "$T/forge"
chmod 755 "$T" "$T/run" "$T/forge"
start
as 1000 "$T/forge" "$r" private/f >"$T/out" && fail "user 1000 was let in"
grep -q 'no connection' "$T/out" || { cat "$T/out" >&2; fail "user 1000 was let in"; }
stop
start -o auth.allow_users=1000
mode "$r" 711
mode "$r/sock" 666
on sh -c 'cd "$1"; chmod 755 .; mkdir -m 700 private; echo secret >private/f
	chmod 600 private/f; mkdir -m 777 pub; touch own; chown 1000 own' sh "$mnt" || fail "no files"
as 1001 "$T/forge" "$r" private/f >"$T/out" && fail "user 1001 was let in"
grep -q 'no connection' "$T/out" || { cat "$T/out" >&2; fail "user 1001 was let in"; }
grep -q 'user 1001 refused' "$r/log" || fail "the log does not say who was refused"
as 1000 "$T/forge" "$r" private/f >"$T/out" || { cat "$T/out" >&2; fail "forged requests were served"; }
# nothing of what the owner had has changed, and the daemon serves
[ "$(on sh -c 'cd "$1"; cat private/f; ls; stat -c "%a %u" . private private/f own' sh "$mnt")" = "secret
a
d
f
l
own
private
pub
755 0
700 0
600 0
644 1000" ] || fail "the owner's files have changed"
kill -0 "$pid"
stop
