#!/bin/sh
# F7: when the daemon is dead, calls under the prefix fail; nothing falls
# through to the real directory of that name, and benchfs run still cleans up.
. "${0%/*}/lib.sh"
requires "$PY"

mkdir "$T/pre"
echo real >"$T/pre/only-real"
cat >"$T/gone.py" <<'END'
import errno, os, signal, subprocess, sys, time
pre, run = sys.argv[1], os.environ['BENCHFS_RUN_DIR']
open(f'{pre}/f', 'w').write('served')
fd = os.open(pre, os.O_RDONLY)
os.chdir(pre)
pid = int(open(f'{run}/pid').read())
os.kill(pid, signal.SIGKILL)
start = time.monotonic()

def fails(f, *a, **k):
    try:
        r = f(*a, **k)
    except OSError as e:
        if e.errno in (errno.ENOENT, errno.EEXIST, errno.ENOTDIR):
            sys.exit(f'{f.__name__} {a}: {e}: as if somebody had looked')
        return
    sys.exit(f'{f.__name__} {a}: succeeded with {r!r}')

for base in pre + '/', '':  # absolute, and relative to the working directory
    for f in os.stat, os.listdir, os.mkdir, os.unlink, os.rmdir, os.readlink, open:
        fails(f, base + 'only-real')
        fails(f, base + 'f')
    fails(open, base + 'new', 'w')
    fails(os.rename, base + 'only-real', base + 'moved')
    fails(os.symlink, 'x', base + 'new')
    fails(os.truncate, base + 'only-real', 0)
    fails(os.chmod, base + 'only-real', 0o777)
fails(os.rename, f'{pre}/only-real', f'{os.environ["T"]}/moved')
fails(os.rename, f'{os.environ["T"]}/pre.txt', f'{pre}/moved')
fails(os.link, f'{os.environ["T"]}/pre.txt', f'{pre}/moved')
fails(os.mkdir, 'x', dir_fd=fd)
fails(os.open, 'only-real', os.O_RDONLY, dir_fd=fd)
for cmd in (['cat', f'{pre}/only-real'], ['cat', 'only-real'], ['sh', '-c', f'echo x >{pre}/new'],
            ['ls', pre], ['touch', f'{pre}/new'], ['rm', f'{pre}/only-real']):
    p = subprocess.run(cmd, capture_output=True)
    if p.returncode == 0 or b'real\n' in p.stdout:
        sys.exit(f'{cmd}: {p}')
if time.monotonic() - start > 20:
    sys.exit(f'that took {time.monotonic() - start} s: a dead daemon is known at once')
# elsewhere all is well
open(os.environ['T'] + '/elsewhere', 'w').write('x')
os._exit(5)
END
echo txt >"$T/pre.txt"
rc=0
BENCHFS_TIMEOUT=2 benchfs_run -m "$T/pre" -- "$PY" "$T/gone.py" "$T/pre" >"$T/log" 2>&1 || rc=$?
[ $rc -eq 5 ] || { cat "$T/log" >&2; fail "wanted status 5, got $rc"; }
[ "$(ls -A "$T/pre")" = only-real ] || fail "the real directory has: $(ls -A "$T/pre")"
[ "$(cat "$T/pre/only-real")" = real ] || fail "the real file was changed"
[ -f "$T/elsewhere" ] || fail "real files are not reached"
[ -z "$(ls -A "$TMPDIR")" ] || fail "left in TMPDIR: $(ls -A "$TMPDIR")"
