# Run by stripe-disk.sh: DIR DATA_DIR true|false (io_uring).
import glob, json, os, random, subprocess, sys, time
top, data_dir, ring = sys.argv[1], sys.argv[2], sys.argv[3] == 'true'
MIB = 1 << 20
random.seed(6)
data = random.randbytes(3 * MIB + 1234)


def operations():
    """What all daemons have given to io_uring."""
    s = json.loads(subprocess.check_output(['benchfs', 'status', '--json']))
    return sum(d['uring'] for d in s) if isinstance(s, list) else s['uring']


def data_files():
    return glob.glob(f'{data_dir}/**/data/??/*', recursive=True)


def evict(sync=True):
    """Out of the page cache: the next read has to wait for the disk."""
    for name in data_files():
        try:
            fd = os.open(name, os.O_RDONLY)
        except FileNotFoundError:
            continue
        if sync:
            os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def expect_some(what, before, least):
    n = operations() - before
    print(f'{what}: {n}')
    if ring and n < least:
        sys.exit(f'{what}: io_uring has had {n} operations, not {least}')
    if not ring and n:
        sys.exit(f'{what}: {n} operations, though it is switched off')


def reads():
    fd = os.open(f'{top}/f', os.O_RDWR | os.O_CREAT)
    assert os.pwrite(fd, data, 0) == len(data)
    os.fsync(fd)
    assert len(data_files()) >= 3, data_files()
    for size in (MIB, 100_000):
        evict()
        before = operations()
        for at in range(0, len(data), size):
            got = os.pread(fd, size, at)
            assert got == data[at:at + size], f'at {at}'
        # one of each shard at least
        expect_some(f'reads of {size}', before, 3)
    os.ftruncate(fd, 70_000)
    evict()
    os.ftruncate(fd, 500_000)
    evict()
    assert os.pread(fd, MIB, 0) == data[:70_000] + bytes(430_000)
    os.close(fd)


def writes():
    """Those of O_DSYNC and O_SYNC are synced, on each shard that they concern."""
    for flag in (os.O_DSYNC, os.O_SYNC):
        fd = os.open(f'{top}/s', os.O_RDWR | os.O_CREAT | os.O_TRUNC | flag)
        before = operations()
        for n in range(10):  # three chunks each
            part = data[n * 190_000:(n + 1) * 190_000]
            assert os.pwrite(fd, part, n * 190_000) == len(part)
        expect_some('synced writes', before, 30)
        before = operations()
        for n in range(10):  # below the size
            assert os.pwrite(fd, data[n * 1000:(n + 1) * 1000], n * 1000) == 1000
        expect_some('synced overwrites', before, 10)
        app = os.open(f'{top}/s', os.O_WRONLY | os.O_APPEND | flag)
        before = operations()
        assert os.write(app, data[:200_000]) == 200_000
        expect_some('a synced append', before, 2)
        assert os.pread(fd, 4 * MIB, 0) == data[:1_900_000] + data[:200_000]
        os.close(fd), os.close(app)


def of_one_moment():
    """One writes generation after generation, each behind a truncate; others read, from the disk."""
    size, at = 170_000, 40_000  # three chunks; what one message of a read holds
    end = time.monotonic() + 4
    pids = []
    for k in range(4):
        pid = os.fork()
        if pid:
            pids.append(pid)
            continue
        try:
            full = 0
            while time.monotonic() < end:
                if k == 3:
                    evict(False)
                    continue
                try:
                    fd = os.open(f'{top}/g', os.O_RDWR | (os.O_CREAT if not k else 0))
                except FileNotFoundError:
                    continue
                gen = 0
                while time.monotonic() < end:
                    if k == 0:
                        gen += 1
                        os.ftruncate(fd, 0)
                        assert os.pwrite(fd, bytes([gen % 250 + 1]) * size, 0) == size
                        if gen % 3 == 0:
                            os.fsync(fd)
                        continue
                    got = os.pread(fd, size - at, at)
                    if got != got[:1] * len(got) or b'\0' in got or len(got) not in (0, size - at):
                        sys.exit(f'{len(got)} bytes, of {sorted(set(got))}')
                    full += len(got) == size - at
                os.close(fd)
            if k in (1, 2):
                assert full, 'it was never read in full'
            os._exit(0)
        except BaseException as e:
            print(f'{k}: {e!r}', file=sys.stderr)
            os._exit(1)
    assert all(os.waitpid(p, 0)[1] == 0 for p in pids)


reads()
writes()
before = operations()
of_one_moment()
print(f'meanwhile: {operations() - before}')
