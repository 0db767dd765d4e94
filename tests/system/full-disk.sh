#!/bin/sh
# D4, RULES 30: on a full disk calls that need space get ENOSPC, unlink works,
# nothing that was acknowledged is lost, not by a kill either, and with space
# all works again.  A small tmpfs, in a mount namespace of its own.
. "${0%/*}/lib.sh"
requires "$PY" unshare mount
requires_root
unshare -m true 2>/dev/null || skip "no mount namespaces"

cat >"$T/full.py" <<'END'
import errno, os, sys, time
pre, what = sys.argv[1:]
made = f'{pre}/made'

def until_full(f):
    for n in range(200000):
        try:
            f(n)
        except OSError as e:
            if e.errno != errno.ENOSPC:
                sys.exit(f'{f.__name__} {n}: {e}')
            return n
    sys.exit(f'{f.__name__}: the disk is never full')

def data(n):
    fd = os.open(f'{pre}/data.{n}', os.O_CREAT | os.O_WRONLY | os.O_EXCL)
    try:
        if os.write(fd, b'd' * 65536) < 65536:
            raise OSError(errno.ENOSPC, 'short')
    finally:
        os.close(fd)

def names(n):
    os.mkdir(f'{pre}/dirs/{n}.{"x" * 200}')
    made.append(f'{n}.{"x" * 200}')

if what == 'fill':
    os.mkdir(f'{pre}/dirs')
    print(until_full(data), 'files of data')
    made = []
    until_full(names)
    print(len(made), 'names')
    if sorted(os.listdir(f'{pre}/dirs')) != sorted(made):
        sys.exit('a name that was refused is there, or one is not')
    for f in lambda: os.symlink('y' * 3000, f'{pre}/link'), lambda: os.setxattr(pre, 'user.big', b'v' * 60000):
        try:
            f()
            sys.exit('that fits on a full disk')
        except OSError as e:
            if e.errno != errno.ENOSPC:
                sys.exit(f'{e}')
elif what == 'list':
    for n in sorted(os.listdir(pre)) + sorted(os.listdir(f'{pre}/dirs')):
        print(n)
else:
    for d in os.listdir(f'{pre}/dirs'):
        os.rmdir(f'{pre}/dirs/{d}')
    for n in os.listdir(pre):
        if n != 'dirs':
            os.unlink(f'{pre}/{n}')
    os.rmdir(f'{pre}/dirs')
    # the space of what goes soon after a restart returns a little later
    end = time.monotonic() + 60
    n = 0
    while n < 100:
        try:
            data(n)
            n += 1
        except OSError as e:
            if e.errno != errno.ENOSPC or time.monotonic() > end:
                raise
            if os.path.exists(f'{pre}/data.{n}'):
                os.unlink(f'{pre}/data.{n}')
            time.sleep(0.1)
    os.mkdir(f'{pre}/again')
END
cat >"$T/inside.sh" <<'END'
set -eu
mount -t tmpfs -o size=12m none "$T/small"
run="$builddir/run benchfs"
start() { $run start --run-dir "$T/rd" -d "$T/small/data"; }
py() ( eval "$($run env --run-dir "$T/rd" -m "$mnt")"; exec timeout 100 "$PY" "$T/full.py" "$mnt" "$1" )
start
trap 'kill -9 "$(cat "$T/rd/pid")" 2>/dev/null || :' EXIT
pid=$(cat "$T/rd/pid")
py fill
py list >"$T/before"
kill -9 "$pid"
while grep -qs '^State:.[^XZ]' "/proc/$pid/task/"*/status; do sleep 0.01; done
start
py list >"$T/after"
cmp "$T/before" "$T/after"
pid=$(cat "$T/rd/pid")
py empty
[ "$(cat "$T/rd/pid")" = "$pid" ] && kill -0 "$pid"
$run stop --run-dir "$T/rd"
trap - EXIT
END
mkdir "$T/small"
unshare -m sh "$T/inside.sh" || fail "see above; $(cat "$T/rd/log")"
