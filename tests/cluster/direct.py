"""direct.py WHAT MNT FILE: see direct.sh.  local/far is at node 2's daemon and stripe/far at all
nodes'; both are as FILE is."""
import ctypes, errno, mmap, os, subprocess, sys, time

what, mnt, real = sys.argv[1:4]
MIB = 1 << 20
want = open(real, 'rb').read()
far, spread = f'{mnt}/local/far', f'{mnt}/stripe/far'


def threads():
    return len(os.listdir('/proc/self/task'))


def peers(states=('01',)):
    """How many other hosts this process has connections with."""
    links = {os.readlink(f'/proc/self/fd/{f}') for f in os.listdir('/proc/self/fd')
             if os.path.exists(f'/proc/self/fd/{f}')}
    found = set()
    for line in open('/proc/self/net/tcp').read().splitlines()[1:]:
        v = line.split()
        if v[3] in states and f'socket:[{v[9]}]' in links:
            found.add(v[2].split(':')[0])
    return len(found)


def read(path, size=MIB):
    fd = os.open(path, os.O_RDONLY)
    got = b''
    while len(got) < len(want):
        part = os.pread(fd, size, len(got))
        assert part, len(got)
        got += part
    assert os.pread(fd, size, len(got)) == b''
    os.close(fd)
    assert got == want, f'{path} is not what it was'


def expect(is_, wanted, text):
    if is_ != wanted:
        sys.exit(f'{text}: {is_}, not {wanted}')


def ways():
    expect(threads(), 1, 'threads at the start')
    read(far)
    expect((threads(), peers()), (2, 1), 'threads and peers after a file of one other node')
    for size in (MIB, 100000, 4096):
        read(spread, size)
    expect((threads(), peers()), (2, 3), 'threads and peers after a striped file')
    fd = os.open(f'{mnt}/stripe/new', os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    for at in range(0, len(want), 300000):
        part = want[at:at + 300000]
        assert os.write(fd, part) == len(part)
    assert os.fstat(fd).st_size == len(want)
    read(f'{mnt}/stripe/new')
    os.ftruncate(fd, 70000)
    assert os.pread(fd, MIB, 60000) == want[60000:70000]
    os.ftruncate(fd, 140000)
    assert os.pread(fd, MIB, 0) == want[:70000] + bytes(70000)
    app = os.open(f'{mnt}/stripe/new', os.O_WRONLY | os.O_APPEND)
    for n in range(20):
        assert os.write(app, bytes([n]) * 10000) == 10000
    assert os.pread(fd, 2 * MIB, 140000) == b''.join(bytes([n]) * 10000 for n in range(20))


def idle():
    secs = int(os.environ['BENCHFS_DIRECT_IDLE'])

    def until_closed(states, most, call):
        begun = time.monotonic()
        while peers(states):
            if time.monotonic() - begun > most:
                sys.exit(f'{peers(states)} connections after {most} s')
            call()
            time.sleep(0.05)
        return time.monotonic() - begun

    def opened():
        end = time.monotonic() + 30
        while peers() < 3:
            read(far)
            read(spread)
            assert time.monotonic() < end, f'{peers()} peers'

    # It does nothing more: they end all the same, and it goes on.
    opened()
    took = until_closed(('01', '08'), 5 * secs + 10, lambda: None)
    if took < secs:
        sys.exit(f'closed after {took:.1f} s')
    for _ in range(3):
        read(spread)
    connect()
    # Other calls than those that could use them: it closes them itself.
    opened()
    until_closed(('01', '08'), 5 * secs + 10, lambda: os.stat(f'{mnt}/local'))
    read(spread)
    connect()
    # Those in use stay.
    begun = time.monotonic()
    while time.monotonic() - begun < 3 * secs:
        read(far)
        time.sleep(0.1)
    expect(peers(), 1, 'peers, one of them in use')


def fork():
    read(far)
    expect(threads(), 2, 'threads')
    pid = os.fork()
    if not pid:
        read(far)
        read(spread)
        os._exit(threads() != 1)  # the relay served it
    expect(os.waitpid(pid, 0)[1], 0, 'the child')
    read(far)
    expect(subprocess.run(['cmp', far, real]).returncode, 0, 'cmp, spawned')
    expect((threads(), peers()), (2, 1), 'threads and peers of the parent')


def module():
    os.environ['BENCHFS_MODULEDIR'] = '/nowhere'
    env = dict(os.environ, BENCHFS_MODULEDIR='/nowhere', BENCHFS_LOG_LEVEL='error')
    r = subprocess.run([sys.executable, __file__, 'plain', mnt, real], env=env, stderr=subprocess.PIPE)
    expect(r.returncode, 0, r.stderr)
    if b'cannot be loaded' not in r.stderr:
        sys.exit('nothing is said of the module')


def plain():
    read(far)
    read(spread)
    expect(threads(), 1, 'threads')


def never():
    env = dict(os.environ, BENCHFS_DIRECT_AFTER='0')
    expect(subprocess.run([sys.executable, __file__, 'plain', mnt, real], env=env).returncode, 0, 'never')


def mapped():
    read(far)
    expect(threads(), 2, 'threads')
    fd = os.open(f'{mnt}/local/far', os.O_RDWR)
    m = mmap.mmap(fd, len(want))
    other = os.open(far, os.O_RDONLY)
    for n in range(50):
        at = n * 100003 % (len(want) - 8)
        m[at:at + 8] = n.to_bytes(8, 'little')
        assert os.pread(other, 8, at) == n.to_bytes(8, 'little'), n
        m[at:at + 8] = want[at:at + 8]
    m.flush()
    m.close()
    os.close(fd)
    read(far)


def connect():
    """By itself, perhaps again."""
    end = time.monotonic() + float(os.environ.get("OPENED", "30"))
    while not peers():
        read(far)
        assert time.monotonic() < end, 'no way to the other daemon'


def kill():
    fd = os.open(f'{mnt}/local/far', os.O_RDWR)
    read(far)
    expect(threads(), 2, 'threads')
    for n in range(3):
        subprocess.run(['kill-n2'], check=True)
        subprocess.run(['resume'], check=True, stdout=subprocess.DEVNULL)
        text = (f'{n}' * 50000).encode()
        assert os.pwrite(fd, text, 0) == 50000
        assert os.pread(fd, 50000, 0) == text
    assert os.pwrite(fd, want[:50000], 0) == 50000
    connect()
    read(far)


def attempt(call):
    begun = time.monotonic()
    try:
        call()
        e = 0
    except OSError as x:
        e = x.errno
    took = time.monotonic() - begun
    if took > int(os.environ['BENCHFS_TIMEOUT']) + 1.5:
        sys.exit(f'a call took {took:.1f} s')
    return e


def stop():
    fd = os.open(f'{mnt}/local/far', os.O_RDWR)
    for n in range(3):
        connect()
        subprocess.run(['stop-n2', 'STOP'], check=True)
        e = attempt(lambda: os.pwrite(fd, b'late' * (1, 25000, 250000)[n], 0))
        subprocess.run(['stop-n2', 'CONT'], check=True)
        if e not in (errno.EIO, errno.ETIMEDOUT):
            sys.exit(f'write to a daemon that was stopped: {e}')
        end = time.monotonic() + 20
        while attempt(lambda: os.pwrite(fd, want[:MIB], 0)):
            assert time.monotonic() < end, 'it does not come back'
        for _ in range(10):
            assert os.pread(fd, MIB, 0) == want[:MIB], 'a late write has landed'
            time.sleep(0.05)
    read(far)


globals()[what]()
