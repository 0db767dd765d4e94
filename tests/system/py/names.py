# Run by names.sh.
import errno, os
D = os.environb[b'D']

def tried(what, f, *a):
    try:
        f(*a)
        print(what, 'ok')
    except OSError as e:
        print(what, errno.errorcode[e.errno])

def make(path):
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))

names = [b'new\nline', b'\xff\xfe\x80', b'tab\t', b' ', b'...', b'-rf', b'*', b'\\', b'"\'$x', b'\x01\x7f',
         'ünï'.encode(), 'u\u0308'.encode(), b'%s%n', b'a' * 255, b'\xf0' * 255, b'~', b'A', b'a', b'x=y', b'a:b;c,d']
for n in names:
    make(D + b'/' + n)
    os.mkdir(D + b'/dir' + n[:252])
    os.symlink(n, D + b'/l' + n[:254])
print(sorted(os.listdir(D)))
for n in names:
    assert os.readlink(D + b'/l' + n[:254]) == n
    os.rename(D + b'/' + n, D + b'/dir' + n[:252] + b'/' + n)
    assert os.listdir(D + b'/dir' + n[:252]) == [n]
for f in make, os.mkdir, os.stat, os.unlink, os.rmdir, os.listdir, lambda p: os.rename(D + b'/dirA', p), lambda p: os.symlink('x', p):
    tried('256', f, D + b'/' + b'n' * 256)
    tried('256 within', f, D + b'/' + b'n' * 256 + b'/x')
# a path of n bytes: components of 100 bytes
def path(n):
    p = D + b'/deep'
    while len(p) + 101 < n - 1:
        p += b'/' + b'c' * 100
    return p, p + b'/' + b'e' * (n - len(p) - 1)

dir, full = path(4095)
at = b'/'
os.makedirs(dir)
tried('4095', make, full)
tried('4095', os.stat, full)
tried('4096', os.stat, full + b'x')
tried('4096', make, full + b'x')
tried('4096', os.rename, full, full + b'x')
tried('4096', os.mkdir, D + b'/' + b'./' * 2100)
os.chdir(dir)
print(os.listdir('.'), os.getcwdb() == dir)
os.mkdir(b'd' * 255)
os.chdir(b'd' * 255)  # beyond what a path can say
make('beyond')
print(os.getcwdb() == dir + b'/' + b'd' * 255)
print(os.listdir('.'))
os.unlink('beyond')
os.chdir('..')
os.rmdir(b'd' * 255)
os.chdir('/')
for p in b'', b'.', b'./', b'..', b'//A', b'/./A', b'/diraaa/..', b'/A/', b'/A/.', b'/A/..', b'/none/..', b'/dirA/../dira', b'/dirA//a', b'/':
    tried(p, os.stat, D + p if p.startswith(b'/') or not p else D + b'/' + p)
    tried(p, os.mkdir, D + b'/' + p)
    tried(p, os.rmdir, D + b'/' + p + b'/.')
tried('rmdir', os.rmdir, D + b'/.')
tried('rmdir', os.rmdir, D + b'/..')
tried('unlink', os.unlink, D + b'/..')
tried('open', os.open, D + b'/x/', os.O_CREAT | os.O_WRONLY)
tried('mkdir/', os.mkdir, D + b'/slash/')
tried('symlink/', os.symlink, 'x', D + b'/sym/')
tried('rename', os.rename, D + b'/slash/', D + b'/slashed/')
# name by name from the root, as programs do that trust no symlink
at = os.open('/', os.O_PATH | os.O_DIRECTORY)
for name in D.split(b'/')[1:]:
    was, at = at, os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
    os.close(was)
os.mkdir('found', dir_fd=at)
print(os.path.isdir(D + b'/found'), os.stat('.', dir_fd=at).st_ino == os.stat(D).st_ino)
at = os.open('/', os.O_RDONLY)
os.rmdir(b'.//' + D[1:] + b'/found', dir_fd=at)
tried('below the root', os.stat, D + b'/found')
