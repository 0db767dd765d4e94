# Run by big-writes.sh: WHAT DIR DAEMONS.
import errno, json, os, random, resource, signal, subprocess, sys
what, top, daemons = sys.argv[1], sys.argv[2], int(sys.argv[3])
MIB = 1 << 20
random.seed(4)
data = random.randbytes(12 * MIB + 4321)
ring = os.environ.get('BENCHFS_TRANSPORT') != 'ucx'
os.chdir(top)


def ahead():
    return json.loads(subprocess.check_output(['benchfs', 'status', '--json']))['client_ahead']


def in_child(fn):
    """It reports its counters when it ends."""
    pid = os.fork()
    if not pid:
        try:
            fn()
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0, fn.__name__


def content(name):
    with open(name, 'rb') as f:
        return f.read()


def whole():
    before = ahead()

    def write():
        fd = os.open('f', os.O_RDWR | os.O_CREAT)
        assert os.pwrite(fd, data, 777) == len(data)
        assert os.pwrite(fd, data[:3 * MIB], 5 * MIB) == 3 * MIB
        os.lseek(fd, 2 * MIB + 1, os.SEEK_SET)
        assert os.writev(fd, [data[:2 * MIB + 1], b'x', data[:MIB]]) == 3 * MIB + 2
        assert os.lseek(fd, 0, os.SEEK_CUR) == 5 * MIB + 3
    in_child(write)
    want = bytearray(777) + data
    want[5 * MIB:8 * MIB] = data[:3 * MIB]
    want[2 * MIB + 1:5 * MIB + 3] = data[:2 * MIB + 1] + b'x' + data[:MIB]
    assert content('f') == want, 'not what was written'
    # 13 pieces, 3 and 3: all but the first of each
    if ring and ahead() - before < 12:
        sys.exit(f'only {ahead() - before} pieces were put in place ahead')


def rlimit():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft = 5 * MIB + MIB // 2 + 3
    for name, flags in (('g', 0), ('h', os.O_APPEND)):
        fd = os.open(name, os.O_RDWR | os.O_CREAT | flags)
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))
        assert os.write(fd, data) == soft
        assert os.fstat(fd).st_size == soft
        try:
            sys.exit(f'{os.write(fd, data)} bytes more')
        except OSError as e:
            assert e.errno == errno.EFBIG, e
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        assert content(name) == data[:soft]
        os.unlink(name)


def full():
    """What does not fit is not there, neither behind nor within the file."""
    if daemons > 1:  # each has its own limit
        return
    with open('filler', 'wb', buffering=0) as f:
        left = os.statvfs('.').f_bavail * os.statvfs('.').f_frsize - 7 * MIB
        while left > 0:
            left -= f.write(data[:min(left, len(data))])
    fd = os.open('f', os.O_RDWR | os.O_CREAT)
    os.ftruncate(fd, 14 * MIB)
    n = os.pwrite(fd, data, 0)
    assert 6 * MIB < n < 8 * MIB, n
    assert content('f') == data[:n] + bytes(14 * MIB - n), 'something beyond'
    os.ftruncate(fd, 0)
    n = os.pwrite(fd, data, 0)
    assert 6 * MIB < n < 8 * MIB, n
    assert os.fstat(fd).st_size == n
    assert content('f') == data[:n]


def append():
    """Pieces of others come in between, but none within one."""
    big = 2 * MIB + 4096

    def one(k):
        fd = os.open('log', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for _ in range(3):
            assert os.write(fd, bytes([65 + k]) * big) == big
    pids = []
    for k in range(3):
        pids.append(os.fork())
        if not pids[-1]:
            try:
                one(k)
            finally:
                os._exit(sys.exc_info()[0] is not None)
    assert all(os.waitpid(p, 0)[1] == 0 for p in pids)
    got = content('log')
    assert len(got) == 9 * big, len(got)
    at, count = 0, {}
    while at < len(got):
        n = 0
        piece = got[at:at + MIB]
        n = MIB if piece == piece[:1] * MIB else 4096
        assert got[at:at + n] == piece[:1] * n, f'torn at {at}'
        count[piece[:1]] = count.get(piece[:1], 0) + n
        at += n
    assert set(count.values()) == {3 * big}, count


globals()[what]()
