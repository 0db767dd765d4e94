#!/bin/sh
# Extended attributes: set, create, replace, list, remove, sizes, links, limits.
. "${0%/*}/lib.sh"
requires "$PY"
"$PY" -c 'import os, sys; os.setxattr(sys.argv[1], "user.a", b"1")' "$T" ||
	skip "no extended attributes in $T"

cat >"$T/xattr.py" <<'END'
import errno, os
os.chdir(os.environ['D'])

def tried(f, *a, **k):
    try:
        r = f(*a, **k)
        print(f.__name__, a[1:], 'ok' if r is None else r)
    except OSError as e:
        print(f.__name__, a[1:], errno.errorcode[e.errno])

users = lambda p: sorted(n for n in os.listxattr(p) if n.startswith('user.'))
open('f', 'w').close()
os.mkdir('d')
os.symlink('f', 'l')
fd = os.open('f', os.O_RDWR)
for p in 'f', 'd', fd:
    tried(os.setxattr, p, 'user.a', b'1')
    tried(os.setxattr, p, 'user.a', b'22', os.XATTR_CREATE)
    tried(os.setxattr, p, 'user.b', b'', os.XATTR_REPLACE)
    tried(os.setxattr, p, 'user.b', b'')
    tried(os.setxattr, p, 'user.a', b'with\0null' * 100, os.XATTR_REPLACE)
    tried(os.getxattr, p, 'user.a')
    tried(os.getxattr, p, 'user.b')
    tried(os.getxattr, p, 'user.c')
    print(users(p))
    tried(os.removexattr, p, 'user.b')
    tried(os.removexattr, p, 'user.b')
tried(os.getxattr, 'l', 'user.a')
tried(os.setxattr, 'l', 'user.l', b'x', follow_symlinks=False)  # EPERM
print(users('l'), os.listxattr('l', follow_symlinks=False))
tried(os.setxattr, 'f', 'nospace', b'')
tried(os.setxattr, 'f', 'user.', b'')
tried(os.setxattr, 'f', '', b'')
tried(os.setxattr, 'none', 'user.a', b'')
tried(os.setxattr, 'f', 'user.' + 'n' * 251, b'')
tried(os.setxattr, 'f', 'user.' + 'n' * 250, b'long name')
tried(os.setxattr, 'f', 'user.big', bytes(65537))
os.rename('f', 'g')
os.link('g', 'h')
print(users('h'))
tried(os.removexattr, 'g', 'user.' + 'n' * 250)
os.close(os.open('g', os.O_TRUNC | os.O_WRONLY))
print(users(fd))
os.unlink('g'), os.unlink('h')
print(users(fd))
open('f', 'w').close()
print(users('f'))
open('ro', 'w').close()
r = os.open('ro', os.O_RDONLY)
tried(os.setxattr, r, 'user.x', b'through a read-only descriptor')
os.close(os.open('ro', os.O_PATH))
END
both '"$PY" "$T/xattr.py"'
cat >"$T/limits.py" <<'END'
# what depends on the file system: here the limits are those of Linux
import errno, os
os.chdir(os.environ['D'])
open('f', 'w').close()
os.setxattr('f', 'user.big', b'x' * 65536)
assert os.getxattr('f', 'user.big') == b'x' * 65536
os.setxattr('f', 'user.big', b'small')
assert os.getxattr('f', 'user.big') == b'small'
for name in 'system.posix_acl_access', 'system.posix_acl_default':
    try:
        os.setxattr('f', name, b'\2\0\0\0')
        assert False, name
    except OSError as e:
        assert e.errno == errno.EOPNOTSUPP, e
n = 0
try:
    for n in range(400):
        os.setxattr('f', f'user.{n:0200}', b'')
    assert False, 'a list of more than 64 KiB'
except OSError as e:
    assert e.errno in (errno.ENOSPC, errno.E2BIG), e
assert len(os.listxattr('f')) == n + 1 > 300
END
inside '"$PY" "$T/limits.py"'
