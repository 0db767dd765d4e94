# Run by space-limit.sh: the limit comes, changes and goes while files are
# open.  CONFIG is the daemon's; DIR in BenchFS.
import errno, fcntl, os, signal, sys, time
config, d = sys.argv[1:]
os.chdir(d)
daemon = int(open(os.environ['BENCHFS_RUN_DIR'] + '/pid').read())
free = os.statvfs('.').f_blocks
MB = 1 << 20

def limit(gb):
    before = os.statvfs('.').f_blocks
    open(config, 'w').write(f'storage: {{ max_storage_gb = {gb}; }};\n')
    os.kill(daemon, signal.SIGHUP)
    for i in range(3000):
        now = os.statvfs('.').f_blocks
        if now != before:
            return
        time.sleep(0.01)
    sys.exit('the limit did not change')

def passed(fd):
    """Is it the data file itself?  Another process's link tells."""
    me = os.getpid()
    r, w = os.pipe()
    if not os.fork():
        os.write(w, os.readlink(f'/proc/{me}/fd/{fd}').encode())
        os._exit(0)
    os.close(w)
    name = os.read(r, 999).decode()
    os.close(r)
    os.wait()
    return 'memfd' not in name

def conflict(name, mode, exclusive=fcntl.LOCK_EX):
    """Of another process: POSIX lock and flock, whether it is passed."""
    r, w = os.pipe()
    if not os.fork():
        fd = os.open(name, mode)
        out = b''
        for f in fcntl.lockf, fcntl.flock:
            try:
                f(fd, exclusive | fcntl.LOCK_NB)
                out += b'n'
            except OSError as e:
                assert e.errno == errno.EAGAIN, e
                out += b'y'
        os.write(w, out)
        os._exit(0)
    os.close(w)
    out = os.read(r, 2)
    os.close(r)
    os.wait()
    return out.decode()

def hold(name, mode, kind):
    fd = os.open(name, mode)
    fcntl.lockf(fd, kind)
    fcntl.flock(fd, kind)
    return fd

os.mknod('f'), os.mknod('g')
f = hold('f', os.O_RDWR, fcntl.LOCK_EX)
assert passed(f)
limit(0.01)
# who has it open already goes on, and so do others on that file: their locks
# are the kernel's
assert conflict('f', os.O_RDWR) == 'yy'
f2 = os.open('f', os.O_RDWR)
assert passed(f2)
# another file is under the limit, and its readers' locks are the daemon's too
g = os.open('g', os.O_RDWR)
assert not passed(g)
r = hold('g', os.O_RDONLY, fcntl.LOCK_SH)
assert passed(r)
assert conflict('g', os.O_RDWR) == 'yy'
assert conflict('g', os.O_RDONLY, fcntl.LOCK_SH) == 'nn'
os.close(r)
fcntl.lockf(g, fcntl.LOCK_EX), fcntl.flock(g, fcntl.LOCK_EX)
assert conflict('g', os.O_RDONLY, fcntl.LOCK_SH) == 'yy'
# when all have closed it, f is under the limit as well
os.close(f)
assert passed(f2)
os.close(f2)
for i in range(600):
    f = os.open('f', os.O_RDWR)
    if not passed(f):
        break
    os.close(f)
    time.sleep(0.05)
else:
    sys.exit('a file that was open when the limit came stays without')
block = os.urandom(MB)
def fill():
    n = 0
    try:
        while n < 64 * MB:
            n += os.write(f, block)
    except OSError as e:
        assert e.errno == errno.ENOSPC, e
    return n
n = fill()
assert 8 * MB < n < 11 * MB, n
limit(0.02)  # more
n += fill()
assert 18 * MB < n < 22 * MB, n
limit(0.005)  # less than is there
assert fill() == 0 and os.fstat(f).st_size == n
for i in range(n // MB):
    assert os.pread(f, MB, i * MB) == block[:MB] or i >= 8, i
# none: what is open goes on with the daemon, and so do its locks
limit(0)
assert os.statvfs('.').f_blocks == free
w = hold('f', os.O_RDWR, fcntl.LOCK_EX)
assert passed(w)
assert os.write(f, block) == MB
assert conflict('f', os.O_RDWR) == 'yy'
try:
    fcntl.flock(f, fcntl.LOCK_SH | fcntl.LOCK_NB)
    sys.exit('the daemon lets a second one have it')
except OSError as e:
    assert e.errno == errno.EAGAIN, e
