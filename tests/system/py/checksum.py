# Run by checksum.sh.  make DIR | read DIR [DAMAGED OFFSET] | again DIR FILE | busy DIR END | flip DATA INO OFFSET |
# found JSON INO OFFSET
import errno, glob, json, mmap, os, random, subprocess, sys
what, D = sys.argv[1:3]
ALL = [('plain', 1, 50000), ('small', 2, 10), ('appended', 3, 30000), ('mapped', 4, 40000), ('cut', 5, 9001),
       ('two-parts', 6, 20000), ('synced', 7, 12345), ('big', 8, 3 << 20)]

def body(n, size):
    return bytes((n * 7 + k * 13 + (k >> 8)) & 0xff for k in range(size))

def make(name, n, size):
    p, data = f'{D}/{name}', body(n, size)
    if name == 'appended':
        for k in range(0, size, 1000):
            with open(p, 'ab', buffering=0) as f:
                f.write(data[k:k + 1000])
        return
    with open(p, 'w+b', buffering=0) as f:
        if name == 'mapped':
            f.truncate(size)
            with mmap.mmap(f.fileno(), size) as m:
                m[:] = data
                m.flush()
        elif name == 'two-parts':
            os.pwrite(f.fileno(), data[size // 2:], size // 2)
            os.pwrite(f.fileno(), data[:size // 2], 0)
        else:
            for k in range(0, size, 1 << 20):
                f.write(data[k:k + (1 << 20)])
        if name == 'synced':
            os.fsync(f.fileno())
    if name == 'cut':
        with open(p, 'ab') as f:
            f.write(b'more' * 5000)
        os.truncate(p, size)

def is_eio(how, p, fn):
    try:
        got = fn()
    except OSError as e:
        assert e.errno == errno.EIO, (p, how, e)
        return
    except subprocess.CalledProcessError:
        return
    sys.exit(f'{p}: {how} gives {got[:40]!r}')

def by_map(p, access):
    with open(p, 'r+b') as f:
        with mmap.mmap(f.fileno(), 0, access=access) as m:
            return bytes(m)

def one(p, off):
    fd = os.open(p, os.O_RDONLY)
    try:
        return os.pread(fd, 1, off)
    finally:
        os.close(fd)

def damaged(p, n, size, at):
    is_eio('read', p, lambda: open(p, 'rb', buffering=0).read(1 << 20) and one(p, at))
    is_eio('pread', p, lambda: one(p, at))
    is_eio('a mapping', p, lambda: by_map(p, mmap.ACCESS_READ))
    is_eio('a private mapping', p, lambda: by_map(p, mmap.ACCESS_COPY))
    is_eio('cp', p, lambda: subprocess.run(['cp', p, '/dev/null'], check=True, capture_output=True).stdout)
    far = at + 8192 if at + 8192 < size else at - 8192
    if 0 <= far < size:
        assert one(p, far) == body(n, size)[far:far + 1]

if what == 'make':
    for f in ALL:
        make(*f)
    open(f'{D}/script', 'w').write('#!/bin/sh\necho ran\n')
    os.chmod(f'{D}/script', 0o755)
elif what == 'again':
    for f in ALL:
        if f[0] == sys.argv[3]:
            fd = os.open(f'{D}/{f[0]}', os.O_WRONLY)
            data = body(*f[1:])
            for k in range(0, f[2], 1 << 20):
                assert os.pwrite(fd, data[k:k + (1 << 20)], k) == len(data[k:k + (1 << 20)])
elif what == 'read':
    bad, at = (sys.argv[3], int(sys.argv[4])) if len(sys.argv) > 3 else ('', 0)
    for name, n, size in ALL:
        if name == bad:
            damaged(f'{D}/{name}', n, size, at)
        else:
            got = open(f'{D}/{name}', 'rb').read()
            assert got == body(n, size), (name, len(got))
elif what == 'busy':
    fds = [os.open(f'{D}/{n}', os.O_RDWR | os.O_CREAT) for n in range(3)]
    while not os.path.exists(sys.argv[3]):
        fd, at = random.choice(fds), random.randrange(200000)
        if random.random() < 0.1:
            os.ftruncate(fd, at)
        os.pwrite(fd, os.urandom(random.choice((1, 100, 4096, 70000))), at)
    for fd in fds:
        os.pwrite(fd, os.urandom(70000), 0)
elif what == 'flip':
    # that shard's, where it is no hole
    ino, at = int(sys.argv[3]), int(sys.argv[4])
    for p in glob.glob(f'{D}/**/data/??/{ino:016x}', recursive=True) + glob.glob(f'{D}/data/??/{ino:016x}'):
        with open(p, 'r+b') as f:
            try:
                found = os.lseek(f.fileno(), at, os.SEEK_DATA) == at
            except OSError:
                continue
            if found:
                b = os.pread(f.fileno(), 1, at)[0]
                os.pwrite(f.fileno(), bytes([b ^ 1 << random.randrange(8)]), at)
                sys.exit(0)
    sys.exit(f'nobody has byte {at} of {ino}')
elif what == 'found':
    j = json.load(open(D))
    assert j['status'] == 'damaged' and j['damages'] == 1, j
    d = j['damaged'][0]
    assert (d['inode'], d['offset'], d['length']) == (int(sys.argv[3]), int(sys.argv[4]), 4096), d
