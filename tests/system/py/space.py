# Run by space.sh and space-limit.sh: DIR, more than fits, and the limit in
# bytes if it is BenchFS's own.
import ctypes, errno, os, sys
os.chdir(sys.argv[1])
more, limit = int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0
open('kept', 'w').write('k' * 100_000)
block = os.urandom(1 << 20)

def fill(name):
    fd = os.open(name, os.O_WRONLY | os.O_CREAT)
    n = 0
    try:
        while n < more:
            n += os.write(fd, block)
        sys.exit(f'no limit after {n} bytes')
    except OSError as e:
        assert e.errno == errno.ENOSPC, e
    assert os.fstat(fd).st_size == n, (os.fstat(fd).st_size, n)
    check(name, n)
    os.close(fd)
    return n

def check(name, left):
    with open(name, 'rb') as f:
        while left:
            data = f.read(min(left, 1 << 20))
            assert data == block[:len(data)] and data
            left -= len(data)

def is_full(f, *a):
    try:
        f(*a)
    except OSError as e:
        assert e.errno == errno.ENOSPC, e
        return
    sys.exit(f'no limit for {f} {a}')

n = fill('a')
assert open('kept').read() == 'k' * 100_000
def small():  # small writes come to an end too
    for i in range(100):
        with open('b', 'ab', buffering=0) as f:
            f.write(b'x' * 65536)
is_full(small)
if limit:
    st = os.statvfs('.')
    assert abs(st.f_blocks * st.f_frsize - limit) < st.f_frsize, st
    assert st.f_bavail * st.f_frsize < 65536, st
    used = sum(os.stat(x).st_blocks for x in os.listdir('.')) * 512
    assert limit - 65536 <= used <= limit + 4096, used
    fd = os.open('a', os.O_RDWR)
    is_full(os.posix_fallocate, fd, n, 1 << 20)
    os.pwrite(fd, b'y' * 4096, 8192)  # there is room for what is there
    assert os.pread(fd, 4098, 8191) == block[8191:8192] + b'y' * 4096 + block[12288:12289]
    os.close(fd)
os.stat('a')
os.unlink('a')  # works on a full disk
os.unlink('b')
m = fill('c')
assert m > n * 0.8, (m, n)
# the space of an unlinked file returns with its last descriptor
fd = os.open('c', os.O_RDWR)
os.unlink('c')
is_full(lambda: open('d', 'wb', buffering=0).write(block) == len(block) or open('d', 'ab', buffering=0).write(block))
os.close(fd)
os.unlink('d')
for i in range(100):
    try:
        with open('d', 'wb', buffering=0) as f:
            if f.write(block) == len(block):
                break
    except OSError as e:
        assert e.errno == errno.ENOSPC, e
    __import__('time').sleep(0.1)  # the daemon looks once a second
else:
    sys.exit('the space of an unlinked file does not return')
os.unlink('d')
m = fill('c')
assert m > n * 0.8, (m, n)
# holes that are punched, and truncation, give space back
fd = os.open('c', os.O_RDWR)
r = ctypes.CDLL(None, use_errno=True).fallocate(fd, 3, ctypes.c_long(0), ctypes.c_long(2 << 20))
if not r:
    assert open('d', 'wb', buffering=0).write(block) == len(block)
    assert os.pread(fd, 10, 0) == bytes(10)
    check('d', len(block))
    os.unlink('d')
os.close(fd)
os.truncate('c', 0)
open('d', 'w').write('d' * 500_000)
assert open('d').read() == 'd' * 500_000
assert sorted(os.listdir('.')) == ['c', 'd', 'kept']
os.unlink('c')
# several writers at once: together they get what there is, and no more
pids = []
for i in range(3):
    pids.append(os.fork())
    if not pids[-1]:
        try:
            n = 0  # a short write is gone on with
            with open(f'w{i}', 'wb', buffering=0) as f:
                while True:
                    n += f.write(block[n % 50_000:50_000])
        except OSError as e:
            os._exit(e.errno != errno.ENOSPC)
for pid in pids:
    assert os.waitpid(pid, 0)[1] == 0
sizes = [os.stat(f'w{i}').st_size for i in range(3)]
assert sum(sizes) > n * 0.8, (sizes, n)
for i, size in enumerate(sizes):
    data = open(f'w{i}', 'rb').read()
    assert len(data) == size
    assert data == (block[:50_000] * (size // 50_000 + 1))[:size]
assert open('kept').read() == 'k' * 100_000
