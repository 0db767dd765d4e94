# Run by python.sh.
import errno, fcntl, glob, io, mmap, os, pathlib, shutil, stat, sys, tempfile
D, W = pathlib.Path(os.environ['D']), pathlib.Path(os.environ['W'])
os.chdir(D)

def tried(f, *a, **k):
    try:
        r = f(*a, **k)
    except OSError as e:
        r = errno.errorcode[e.errno]
    print(getattr(f, '__name__', f), r if isinstance(r, (str, int, bool)) else '-')

p = D / 'a' / 'b'
p.mkdir(parents=True)
(p / 'text').write_text('line 1\nline 2\n')
with open(p / 'text', 'r+') as f:
    print(f.readline(), f.tell())
    f.seek(0, 2)
    f.write('line 3\n')
    f.flush()
    f.truncate(f.tell() + 5)
    os.fsync(f.fileno())
print((p / 'text').read_bytes(), os.path.getsize(p / 'text'))
with open('bin', 'w+b', buffering=0) as f:
    f.write(bytes(range(256)) * 40)
    print(os.pread(f.fileno(), 5, 250), os.pwrite(f.fileno(), b'ZZ', 20000))
    print(os.preadv(f.fileno(), [bytearray(3), bytearray(9)], 19998))
    print(os.writev(f.fileno(), [b'ab', b'cd']), os.lseek(f.fileno(), 0, os.SEEK_CUR))
    print(os.lseek(f.fileno(), 0, os.SEEK_HOLE) >= 10000, os.fstat(f.fileno()).st_size)
    os.posix_fallocate(f.fileno(), 0, 30000)
    print(os.fstat(f.fileno()).st_size, os.isatty(f.fileno()))
    os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
for e in sorted(os.scandir(D), key=lambda e: e.name):
    print(e.name, e.is_dir(), e.is_file(), e.is_symlink(), e.inode() == e.stat().st_ino)
os.symlink('a/b', 'link')
os.link('bin', 'a/hard')
for r, d, f in os.walk('.', followlinks=True):
    d.sort()
    print(r, d, sorted(f))
for r, d, f, fd in os.fwalk('.'):
    d.sort()
    print(r, d, sorted(f), len(os.listdir(fd)))
print(sorted(glob.glob(str(D / '**'), recursive=True))[-1], sorted(D.rglob('te*')))
print(os.path.realpath('link/text'), os.path.samefile('bin', 'a/hard'), pathlib.Path('link').resolve())
dfd = os.open('a', os.O_RDONLY | os.O_DIRECTORY)
print(sorted(os.listdir(dfd)), os.stat('hard', dir_fd=dfd).st_nlink)
os.mkdir('sub', dir_fd=dfd); os.rename('hard', 'sub/moved', src_dir_fd=dfd, dst_dir_fd=dfd)
os.symlink('x', 'dang', dir_fd=dfd); print(os.readlink('dang', dir_fd=dfd))
os.unlink('dang', dir_fd=dfd); print(os.access('sub', os.W_OK, dir_fd=dfd))
os.fchdir(dfd); print(os.getcwd(), os.listdir('sub')); os.chdir('..'); os.close(dfd)
shutil.copytree('a', 'copy', symlinks=True); shutil.copytree('copy', W / 'out')
shutil.copy2('bin', W / 'bin'); shutil.copyfile(W / 'bin', 'bin2'); shutil.move('bin2', 'a/bin3')
shutil.move(str(W / 'bin'), str(D / 'from-real')); shutil.rmtree('copy')
print(shutil.disk_usage('.').total > 0, shutil.which('text', path=str(p)))
print(os.statvfs('.').f_namemax, os.pathconf('.', 'PC_NAME_MAX'))
shutil.make_archive('arch', 'tar', 'a'); shutil.unpack_archive('arch.tar', 'un')
print(sorted(os.listdir('un'))); os.remove('arch.tar')
with tempfile.TemporaryDirectory(dir=D) as t, tempfile.NamedTemporaryFile(dir=t) as n:
    n.write(b'x' * 5000); n.flush(); print(os.stat(n.name).st_size, oct(os.stat(t).st_mode))
with tempfile.TemporaryFile(dir=D) as t:
    t.write(b'unnamed'); t.seek(0); print(t.read(), os.fstat(t.fileno()).st_nlink)
with tempfile.SpooledTemporaryFile(max_size=10, dir=D) as t:
    t.write(b'y' * 100); t.seek(50); print(len(t.read()))
fd, name = tempfile.mkstemp(dir=D); os.close(fd); print(oct(os.stat(name).st_mode)); os.unlink(name)
with open('bin', 'rb') as i, open('sent', 'w+b') as o, open(W / 'sent', 'w+b') as w:
    print(os.sendfile(o.fileno(), i.fileno(), 100, 5000), os.sendfile(w.fileno(), i.fileno(), 7, 50))
    print(os.copy_file_range(i.fileno(), o.fileno(), 3000, 0, 200), os.fstat(o.fileno()).st_size)
    for n, source, target in (10, 2**63 - 6, 0), (10, -1, 0), (10, -20, 0), (10, 0, 2**63 - 6), (10, 0, -1):
        try:
            print(os.copy_file_range(i.fileno(), o.fileno(), n, source, target))
        except OSError as e:
            print(n, source, target, e.errno)
    r, wr = os.pipe(); print(os.sendfile(wr, i.fileno(), 0, 64), len(os.read(r, 100)))
    print(os.splice(i.fileno(), wr, 10, offset_src=300), os.splice(r, o.fileno(), 10, offset_dst=0))
with open('bin', 'r+b') as f:
    m = mmap.mmap(f.fileno(), 0); m[10:14] = b'MMAP'; m.flush()
    print(f.read(16)[8:], m.find(b'ZZ'), len(m)); m.close()
    m = mmap.mmap(f.fileno(), 4096, access=mmap.ACCESS_COPY); m[0:4] = b'PRIV'
    print(m[:4], os.pread(f.fileno(), 4, 0)); m.close()
    m = mmap.mmap(f.fileno(), 4096, access=mmap.ACCESS_READ, offset=4096); print(m[0], m[4095]); m.close()
os.chmod('bin', 0o640); os.utime('bin', ns=(10**18, 10**18 + 123456789)); s = os.stat('bin')
print(oct(s.st_mode), s.st_atime_ns, s.st_mtime_ns, s.st_nlink, s.st_size)
os.utime('link', (5, 6), follow_symlinks=False); print(os.lstat('link').st_mtime)
os.truncate('bin', 100); print(os.path.getsize('bin')); os.replace('bin', 'renamed')
os.makedirs('m/n', exist_ok=True); os.removedirs('m/n'); os.mkfifo('fifo'); print(stat.filemode(os.lstat('fifo').st_mode))
tried(os.mkdir, 'a'); tried(os.rmdir, 'a'); tried(os.rmdir, 'renamed'); tried(os.unlink, 'a')
tried(os.open, 'none', os.O_RDONLY); tried(os.open, 'a', os.O_WRONLY); tried(os.open, 'renamed/x', os.O_RDONLY)
tried(os.open, 'renamed', os.O_CREAT | os.O_EXCL); tried(os.open, 'link', os.O_NOFOLLOW)
tried(os.open, 'renamed', os.O_DIRECTORY); tried(os.listdir, 'renamed'); tried(os.readlink, 'a')
tried(os.rename, 'none', 'x'); tried(os.rename, 'a', 'a/b/c'); tried(os.link, 'a', 'x'); tried(os.chdir, 'renamed')
tried(os.rename, 'renamed', 'a'); tried(os.rename, 'a', 'renamed'); tried(os.symlink, 'x', 'link')
tried(os.stat, ''); tried(os.mkdir, 'none/x'); tried(os.truncate, 'a', 0); tried(os.access, 'none', os.F_OK)
with open('renamed', 'r+') as f, open('renamed', 'r+') as g:
    tried(fcntl.flock, f, fcntl.LOCK_EX); tried(fcntl.flock, g, fcntl.LOCK_SH | fcntl.LOCK_NB)
    tried(fcntl.lockf, f, fcntl.LOCK_EX, 10, 5)
    pid = os.fork()
    if not pid:
        tried(fcntl.lockf, g, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 14)
        tried(fcntl.lockf, g, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 15)
        sys.stdout.flush(); os._exit(3)
    print(os.waitpid(pid, 0)[1] >> 8)
with open(D / 'enc', 'w', encoding='utf-16') as f: print('größe', file=f)
print(open(D / 'enc', encoding='utf-16').read(), io.open('enc', 'rb').peek(2)[:2])
