# Run by visible.sh.
# One process changes something and says so through a pipe; three others, which
# have had the same things open, look at once.
import os, stat, sys
os.chdir(os.environ['D'])
ROUNDS = int(sys.argv[1])
OTHERS = 3

def setup():
    os.mkdir('d')
    for n in 'f', 'd/a':
        open(n, 'w').close()
    os.symlink('0', 'l')

def change(i):
    """Round i's change, and what must be seen of it."""
    k, s = i % 12, str(i).encode()
    if k == 0:
        os.pwrite(fd, s, 0)
    elif k == 1:
        os.truncate('f', i)
    elif k == 2:
        os.chmod('f', 0o600 | i % 64)
    elif k == 3:
        os.rename(f'd/{name(i - 12)}', f'd/{name(i)}')
    elif k == 4:
        os.unlink('l')
        os.symlink(str(i), 'l')
    elif k == 5:
        os.setxattr('f', 'user.round', s)
    elif k == 6:
        os.mkdir(f'd/dir{i}')
    elif k == 7:
        os.rmdir(f'd/dir{i - 1}')
    elif k == 8:
        os.link('f', f'd/link{i}')
    elif k == 9:
        os.unlink(f'd/link{i - 1}')
    elif k == 10:
        os.utime('f', ns=(i, i))
    else:
        os.write(os.open('f', os.O_WRONLY | os.O_TRUNC | os.O_APPEND), s)

def name(i):
    return 'a' if i < 0 else f'a{i}'

def check(i):
    k, s = i % 12, str(i).encode()
    st = os.stat('f')
    if k == 0:
        return os.pread(fd, len(s), 0) == s == open('f', 'rb').read(len(s))
    if k == 1:
        return st.st_size == os.fstat(fd).st_size == os.lseek(fd, 0, os.SEEK_END) == i
    if k == 2:
        return stat.S_IMODE(st.st_mode) == stat.S_IMODE(os.fstat(fd).st_mode) == 0o600 | i % 64
    if k == 3:
        return os.path.exists(f'd/{name(i)}') and not os.path.exists(f'd/{name(i - 12)}') and name(i) in os.listdir('d')
    if k == 4:
        return os.readlink('l') == str(i)
    if k == 5:
        return os.getxattr(fd, 'user.round') == s
    if k == 6:
        return os.path.isdir(f'd/dir{i}') and os.stat('d').st_nlink == os.fstat(dir).st_nlink == 3
    if k == 7:
        return not os.path.exists(f'd/dir{i - 1}') and os.stat('d').st_nlink == 2
    if k == 8:
        return st.st_nlink == os.fstat(fd).st_nlink == 2 and os.path.samefile('f', f'd/link{i}')
    if k == 9:
        return st.st_nlink == 1 and f'link{i - 1}' not in os.listdir('d')
    if k == 10:
        return st.st_mtime_ns == os.fstat(fd).st_mtime_ns == i
    return os.pread(fd, 99, 0) == s and os.fstat(fd).st_size == len(s)

setup()
fd, dir = os.open('f', os.O_RDWR), os.open('d', os.O_RDONLY)
pairs = []
for w in range(OTHERS):
    go, done = os.pipe(), os.pipe()
    if not os.fork():
        os.close(fd)  # a description of its own
        fd = os.open('f', os.O_RDWR)
        for i in range(ROUNDS):
            os.read(go[0], 1)
            if not check(i):
                print(f'process {w} does not see round {i}, kind {i % 12}')
                sys.stdout.flush()
                os.write(done[1], b'n')
                os._exit(1)
            os.write(done[1], b'y')
        os._exit(0)
    pairs.append((go[1], done[0]))
for i in range(ROUNDS):
    change(i)
    for go, _ in pairs:
        os.write(go, b'.')
    if any(os.read(done, 1) != b'y' for _, done in pairs):
        sys.exit(1)
