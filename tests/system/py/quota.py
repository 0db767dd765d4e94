# Quotas: DIR PHASE LIMIT FILES DAEMONS.  Users but root are children.
import errno, os, sys, time, traceback
D, phase, limit, files, daemons = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
BLOCK = 65536

def as_user(uid, fn):
    pid = os.fork()
    if not pid:
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            fn()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0, (phase, uid, fn.__name__)

def refused(fn, *args):
    try:
        fn(*args)
    except OSError as e:
        assert e.errno == errno.EDQUOT, e
        return
    raise AssertionError(f'{fn} {args} is not refused')

# into that file, until it is refused: how much went in
def fill(path, most=1 << 40, mode='ab'):
    n = 0
    with open(path, mode, buffering=0) as f:
        try:
            while n < most:
                n += f.write(b'x' * min(BLOCK, most - n))
        except OSError as e:
            assert e.errno == errno.EDQUOT, e
    return n

# one file after the other, so that each daemon gets some
def fill_all(top):
    return sum(fill(f'{top}/f{k}') for k in range(40 if daemons > 1 else 3))

# what other daemons have of a striped file is not known while it is written
striped = any('stripe' in os.environ.get(f'BENCHFS_{k}', '') for k in ('TEST_OPTIONS', 'TEST_FAR', 'STORAGE_PLACEMENT'))

def near(n, limit):
    if striped and phase != 'all':
        assert limit / 2 <= n <= limit * 3 / 2, (n, limit)
    else:
        assert limit - (BLOCK + 4096) * daemons <= n <= limit, (n, limit)

def make(path):
    open(path, 'x').close()

def make_and_write(path):
    with open(path, 'xb', buffering=0) as f:
        f.write(b'x' * BLOCK)

def user_fills():
    near(fill_all(D + '/u1'), limit)
    refused(os.posix_fallocate, os.open(D + '/u1/f0', os.O_WRONLY), 0, 2 * limit)
    if daemons > 1:
        return
    # what is there can be written over, and what is given back comes back
    fd = os.open(D + '/u1/f0', os.O_WRONLY)
    assert os.pwrite(fd, b'y' * BLOCK, 0) == BLOCK
    os.ftruncate(fd, os.fstat(fd).st_size - 4 * BLOCK)
    near(fill(D + '/u1/f1'), 4 * BLOCK)
    os.ftruncate(fd, 0)
    near(fill(D + '/u1/f1', limit // 2), limit // 2)
    os.unlink(D + '/u1/f1')
    os.close(fd)
    near(fill(D + '/u1/f2'), limit)

def user_is_full():
    assert fill(D + '/u1/more' if daemons == 1 else D + '/u1/f0') < (BLOCK + 4096)

def user_has_room():
    # of one file a daemon allows its share
    part = limit // max(4, daemons + 1)
    assert fill(D + '/u2/f', part) == part

def user_makes():
    have = 1 + sum(e.stat().st_uid == 1000 for e in os.scandir(D + '/u1'))
    made = 0
    while True:
        try:
            make(f'{D}/u1/n{made}')
        except OSError as e:
            assert e.errno == errno.EDQUOT, e
            break
        made += 1
    if daemons == 1:
        assert have + made == files, (have, made, files)
        for fn, *args in ((os.mkdir, D + '/u1/d'), (os.symlink, 'to', D + '/u1/l'), (os.mkfifo, D + '/u1/p'),
                          (os.open, D + '/u1', os.O_TMPFILE | os.O_WRONLY, 0o600)):
            refused(fn, *args)
        os.link(D + '/u1/n0', D + '/u1/link')  # no inode
        os.unlink(D + '/u1/n1')
        os.mkdir(D + '/u1/d')
        refused(os.mkdir, D + '/u1/d2')
    else:
        assert files - daemons * 8 <= have + made <= files + daemons, (have, made, files)
    os.rename(D + '/u1/n0', D + '/u1/renamed')

def make_dirs():
    for uid, name in (1000, 'u1'), (1001, 'u2'):
        os.mkdir(f'{D}/{name}')
        os.chown(f'{D}/{name}', uid, uid)

if phase == 'users':
    make_dirs()
    as_user(1000, user_fills)
    as_user(1000, user_is_full)
    as_user(1001, user_has_room)
    # root has none, but what belongs to the user counts whoever writes it
    assert fill(D + '/root', 2 * limit) == 2 * limit
    if daemons == 1:
        assert fill(D + '/u1/f2') == 0
        os.chown(D + '/u1/f2', 1001, 1001)
        as_user(1000, lambda: near(fill(D + '/u1/f3'), limit))
        as_user(1001, lambda: refused(make_and_write, D + '/u2/g'))
    as_user(1000, user_makes)
    as_user(1001, lambda: make(D + '/u2/n'))
elif phase == 'again':
    as_user(1000, user_is_full)
    as_user(1000, lambda: refused(make, D + '/u1/again') if daemons == 1 else None)
elif phase == 'all':
    st = os.statvfs(D)
    assert abs(st.f_blocks * st.f_frsize - limit) < 3 * daemons * st.f_frsize, st
    assert files <= st.f_files <= files + daemons, st
    os.mkdir(D + '/a')
    near(fill_all(D + '/a'), limit)
    st = os.statvfs(D)
    assert st.f_bavail * st.f_frsize < (BLOCK + 4096) * daemons, st
    for n in os.listdir(D + '/a'):
        os.unlink(f'{D}/a/{n}')
    # other daemons learn within a second or two that nobody has it open
    for n in range(3000):
        st = os.statvfs(D)
        if st.f_bavail >= st.f_blocks - 1:
            break
        time.sleep(0.01)
    near(fill_all(D + '/a'), limit)
    made = 2 + len(os.listdir(D + '/a'))
    while True:
        try:
            make(f'{D}/a/n{made}')
        except OSError as e:
            assert e.errno == errno.EDQUOT, e
            break
        made += 1
    assert made == files if daemons == 1 else files - 8 * daemons <= made <= files + daemons, made
    if daemons == 1:
        assert os.statvfs(D).f_ffree == 0, os.statvfs(D)
