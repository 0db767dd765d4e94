# Run by stat.sh.
import os, stat, time
D = os.environ['D']
os.chdir(D)
NS = 10**6

def touched(what, f, *names):
    """Which of the times of each name does f change?"""
    before = [os.lstat(n) for n in names]
    time.sleep(0.012)  # more than a tick, the kernel's grain
    t0 = time.time_ns() - 11 * NS
    f()
    out = []
    for n, b in zip(names, before):
        try:
            a = os.lstat(n)
        except FileNotFoundError:
            out.append('gone')
            continue
        ch = [k for k in 'amc' if getattr(a, f'st_{k}time_ns') != getattr(b, f'st_{k}time_ns')]
        for k in ch:
            if not t0 <= getattr(a, f'st_{k}time_ns') <= time.time_ns() + 5 * NS:
                ch.append(f'{k} is wrong')
        out.append(''.join(ch))
    print(what, out)

fd = os.open('f', os.O_RDWR | os.O_CREAT, 0o666)
os.mkdir('d', 0o777)
os.mkdir('d/sub')
os.symlink('f', 'l')
s = os.stat('f')
print(oct(s.st_mode), s.st_nlink, s.st_uid == os.getuid(), s.st_gid == os.getgid(), s.st_size, s.st_blocks)
print(oct(os.stat('d').st_mode), oct(os.lstat('l').st_mode), os.lstat('l').st_size, os.stat('l').st_ino == s.st_ino)
print(s.st_ino == os.fstat(fd).st_ino == os.stat(f'{D}/f').st_ino != os.stat('d').st_ino)
print(s.st_dev == os.stat('d').st_dev != os.stat('/proc').st_dev, s.st_blksize >= 512)
print(len({e.inode() for e in os.scandir('.')}), os.stat('.').st_ino == os.stat('d/..').st_ino)
touched('write', lambda: os.write(fd, b'data'), 'f', '.')
touched('pwrite', lambda: os.pwrite(fd, b'data', 0), 'f')
touched('ftruncate', lambda: os.ftruncate(fd, 2), 'f')
touched('ftruncate, same size', lambda: os.ftruncate(fd, 2), 'f')
touched('truncate', lambda: os.truncate('f', 9), 'f')
touched('chmod', lambda: os.chmod('f', 0o600), 'f', '.')
touched('fchmod', lambda: os.fchmod(fd, 0o640), 'f')
touched('chown', lambda: os.chown('f', -1, os.getgid()), 'f')
touched('link', lambda: os.link('f', 'd/h'), 'f', 'd', '.')
touched('rename', lambda: os.rename('d/h', 'h'), 'f', 'd', '.')
touched('unlink', lambda: os.unlink('h'), 'f', '.')
touched('create', lambda: os.close(os.open('d/new', os.O_CREAT | os.O_WRONLY)), 'd', '.', 'd/sub')
touched('open, existing', lambda: os.close(os.open('d/new', os.O_CREAT | os.O_WRONLY)), 'd', 'd/new')
touched('open, O_TRUNC', lambda: os.close(os.open('f', os.O_TRUNC | os.O_WRONLY)), 'f', '.')
touched('mkdir', lambda: os.mkdir('d/sub/x'), 'd/sub', 'd')
touched('rmdir', lambda: os.rmdir('d/sub/x'), 'd/sub', 'd')
touched('symlink', lambda: os.symlink('x', 'd/l'), 'd')
touched('setxattr', lambda: os.setxattr('f', 'user.x', b'1'), 'f')
touched('fsync', lambda: os.fsync(fd), 'f')
touched('stat', lambda: (os.stat('f'), os.access('f', 4), os.readlink('d/l') and 0), 'f', 'd')
touched('rename directory', lambda: os.rename('d/sub', 'sub'), 'd', '.')
os.write(fd, b'for reading')
# relatime: a read moves atime only if it is not newer than mtime and ctime
os.utime('f', ns=(10**18, 2 * 10**18))
touched('read', lambda: os.pread(fd, 5, 0), 'f')
touched('read again', lambda: os.pread(fd, 5, 0), 'f')
touched('read nothing', lambda: os.pread(fd, 5, 500), 'f')
for ns in (1, 999_999_999), (-5 * 10**9, -1), (2**33 * 10**9, 10**9 + 1):
    os.utime('f', ns=ns)
    s = os.stat('f')
    print(s.st_atime_ns == ns[0], s.st_mtime_ns == ns[1], abs(s.st_ctime - time.time()) < 5)
touched('utime now', lambda: os.utime('f'), 'f')
touched('futimens', lambda: os.utime(fd), 'f')
touched('lutimes', lambda: os.utime('l', follow_symlinks=False), 'l', 'f')
# link counts of directories: 2 and one for each directory below
n = lambda p: os.stat(p).st_nlink
base = n('d')
os.mkdir('d/1'), os.mkdir('d/2'), os.rename('sub', 'd/3')
print(n('d') - base, n('d/1')); os.rmdir('d/1'); os.rename('d/2', 'two'); print(n('d') - base)
# numbers stay over rename, and are not used again at once
i = os.stat('f').st_ino
os.rename('f', 'd/moved'); print(os.stat('d/moved').st_ino == i, os.fstat(fd).st_ino == i)
os.ftruncate(fd, 0); os.write(fd, b'x' * 100_000); os.fsync(fd)
print(os.fstat(fd).st_size, 100_000 <= os.fstat(fd).st_blocks * 512 < 200_000)
types = {e.name: stat.S_IFMT(e.stat(follow_symlinks=False).st_mode) for e in os.scandir('d')}
print(sorted((e.name, e.is_dir(follow_symlinks=False), e.is_symlink(), oct(types[e.name])) for e in os.scandir('d')))
