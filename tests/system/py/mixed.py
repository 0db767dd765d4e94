# Run by mixed.sh.
import ctypes, errno, fcntl, os
D, W = os.environ['D'], os.environ['W']
libc = ctypes.CDLL(None, use_errno=True)
data = bytes(range(256)) * 1000

def fails(e, f, *a, **k):
    try:
        f(*a, **k)
    except OSError as x:
        assert x.errno == e, (f, a, x)
        return
    raise AssertionError((f, a, 'succeeded'))

def write(p, d):
    with open(p, 'wb') as f:
        f.write(d)

write(f'{D}/ours', data)
write(f'{W}/real', data)
os.mkdir(f'{D}/dir')
os.mkdir(f'{W}/dir')
for a, b in (D, W), (W, D):
    name = os.listdir(a)
    for n in 'ours', 'real', 'dir':
        if n in name:
            fails(errno.EXDEV, os.rename, f'{a}/{n}', f'{b}/x')
    for n in 'ours', 'real':
        if n in name:
            fails(errno.EXDEV, os.link, f'{a}/{n}', f'{b}/x')
    assert sorted(os.listdir(a)) == sorted(name) and 'x' not in os.listdir(b)
    afd, bfd = os.open(a, os.O_RDONLY), os.open(b, os.O_RDONLY)
    n = 'ours' if 'ours' in name else 'real'
    fails(errno.EXDEV, os.rename, n, 'x', src_dir_fd=afd, dst_dir_fd=bfd)
    fails(errno.EXDEV, os.link, n, 'x', src_dir_fd=afd, dst_dir_fd=bfd)
    fails(errno.EXDEV, os.rename, n, f'{b}/x', src_dir_fd=afd)
    fails(errno.EXDEV, os.rename, 'none', 'x', src_dir_fd=afd, dst_dir_fd=bfd)
    # RENAME_EXCHANGE and RENAME_NOREPLACE
    for flag in 1, 2:
        assert libc.renameat2(afd, n.encode(), bfd, b'dir', flag) == -1
        assert ctypes.get_errno() in (errno.EXDEV, errno.EEXIST), ctypes.get_errno()

ours, real = os.open(f'{D}/ours', os.O_RDWR), os.open(f'{W}/real', os.O_RDWR)
for src, dst in (ours, f'{W}/copy'), (real, f'{D}/copy'), (ours, f'{D}/copy2'):
    out = os.open(dst, os.O_RDWR | os.O_CREAT, 0o644)
    # the kernel may say EXDEV between two file systems, or copy
    n = 0
    try:
        while n < len(data):
            n += os.copy_file_range(src, out, len(data) - n, n, n)
        assert os.pread(out, len(data) + 1, 0) == data
    except OSError as e:
        assert e.errno in (errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP), e
        assert dst != f'{D}/copy2', e
    os.ftruncate(out, 0)
    os.lseek(src, 0, os.SEEK_SET)
    n = 0
    while n < len(data):
        n += os.sendfile(out, src, None, len(data) - n)
    assert os.lseek(src, 0, os.SEEK_CUR) == len(data)
    assert os.pread(out, len(data) + 1, 0) == data
    # splice through a pipe
    r, w = os.pipe()
    assert os.splice(src, w, 4096, offset_src=512) == 4096
    assert os.splice(r, out, 4096, offset_dst=0) == 4096
    assert os.pread(out, 4096, 0) == data[512:512 + 4096]
    # a clone works or is refused, but never answers without doing it
    try:
        fcntl.ioctl(out, 0x40049409, src)  # FICLONE
        assert os.pread(out, len(data) + 1, 0) == data
    except OSError as e:
        assert e.errno in (errno.EXDEV, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOTTY), e
    os.close(out)
assert os.path.samestat(os.stat(f'{D}/ours'), os.fstat(ours))
assert os.stat(D).st_dev != os.stat(W).st_dev
assert os.path.relpath(W, D).endswith('/w') and os.path.exists(os.path.join(D, os.path.relpath(W, D)))
# one descriptor's number is used for ours and for others in turn
for i in range(20):
    for p, d in (f'{D}/n', b'ours'), (f'{W}/n', b'real'):
        fd = os.open(p, os.O_RDWR | os.O_CREAT)
        os.write(fd, d)
        assert os.fstat(fd).st_ino == os.stat(p).st_ino
        assert os.pread(fd, 9, 0) == d
        os.close(fd)
a, b = os.open(f'{D}/n', os.O_RDWR), os.open(f'{W}/n', os.O_RDWR)
os.dup2(b, a)
assert os.pread(a, 9, 0) == b'real' and os.fstat(a).st_ino == os.stat(f'{W}/n').st_ino
os.dup2(os.open(f'{D}/n', os.O_RDONLY), b)
assert os.pread(b, 9, 0) == b'ours' and os.fstat(b).st_ino == os.stat(f'{D}/n').st_ino
r, w = os.pipe()
os.dup2(w, b)
os.write(b, b'pipe')
assert os.read(r, 9) == b'pipe'
