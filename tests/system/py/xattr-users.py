# Run by xattr.sh.
# sizes that are too small, trusted.* and the rights of other users
import ctypes, errno, os, sys
os.chdir(os.environ['D'])
os.chmod('.', 0o755)
libc = ctypes.CDLL(None, use_errno=True)

def call(name, *a):
    r = getattr(libc, name)(*a)
    print(name, a[0], a[-1], errno.errorcode[ctypes.get_errno()] if r < 0 else r)

def tried(f, *a, **k):
    try:
        print(f.__name__, a, f(*a, **k))
    except OSError as e:
        print(f.__name__, a, errno.errorcode[e.errno])

def names(p):
    return sorted(n for n in os.listxattr(p, follow_symlinks=False) if n.split('.')[0] in ('user', 'trusted'))

open('f', 'w').close()
os.setxattr('f', 'user.a', b'12345')
buf = ctypes.create_string_buffer(100)
for n in 0, 1, 4, 5, 6, 100:
    call('getxattr', b'f', b'user.a', buf, n)
    call('listxattr', b'f', buf, n) if len(os.listxattr('f')) == 1 else None
call('getxattr', b'f', b'user.none', buf, 0)
call('setxattr', b'f', b'user.big', b'x' * 65537, 65537, 0)
call('setxattr', b'f', b'user.a', b'x', 1, 4)
call('setxattr', b'f', b'user.a', b'x', 1, 3)
call('setxattr', b'f', b'user.' + b'n' * 251, b'x', 1, 0)
call('setxattr', b'f', b'', b'x', 1, 0)
call('setxattr', b'f', b'nowhere.a', b'x', 1, 0)
os.mkdir('sticky')
os.chmod('sticky', 0o1777)
open('closed', 'w').close()
os.chmod('closed', 0o600)
os.setxattr('closed', 'user.a', b'1')
open('ro', 'w').close()
os.chmod('ro', 0o644)
os.mkfifo('p')
os.symlink('f', 'l')
os.chmod('p', 0o666)
os.chmod('f', 0o666)

def all(who):
    for f in 'f', 'sticky', 'closed', 'ro', 'p', 'l':
        for n in 'user.t', 'trusted.t':
            print(who)
            tried(os.setxattr, f, n, b'v', follow_symlinks=False)
            tried(os.getxattr, f, n, follow_symlinks=False)
            print(names(f))
            tried(os.removexattr, f, n, follow_symlinks=False)
    sys.stdout.flush()

all('owner')
if os.getuid():
    sys.exit()
for f in 'f', 'closed', 'sticky', 'p', 'l':
    os.setxattr(f, 'trusted.t', b'secret', follow_symlinks=False)
print(names('f'))
sys.stdout.flush()
if not os.fork():
    os.setgroups([])
    os.setresgid(1000, 1000, 1000)
    os.setresuid(1000, 1000, 1000)
    all('another')
    os._exit(0)
os.wait()
print(names('f'), os.getxattr('f', 'trusted.t'))
for f in 'f', 'closed', 'sticky', 'p', 'l':
    os.removexattr(f, 'trusted.t', follow_symlinks=False)
