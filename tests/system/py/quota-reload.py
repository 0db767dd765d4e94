# Run by quota.sh: quotas come, change and go by SIGHUP.  CONFIG is the daemon's; DIR in BenchFS.
import errno, os, signal, sys, time
config, d = sys.argv[1:]
os.chdir(d)
daemon = int(open(os.environ['BENCHFS_RUN_DIR'] + '/pid').read())
MB = 1 << 20
free = os.statvfs('.')

def quota(gb, files):
    before = os.statvfs('.')
    open(config, 'w').write(f'storage: {{ quota_gb = {gb}; quota_files = {files}; }};\n')
    os.kill(daemon, signal.SIGHUP)
    for i in range(3000):
        now = os.statvfs('.')
        if now.f_blocks != before.f_blocks:  # of one reload
            return now
        time.sleep(0.01)
    sys.exit(f'the quota did not change: {before} {now}')

def fill(path):
    n = 0
    with open(path, 'ab', buffering=0) as f:
        try:
            while n < 64 * MB:
                n += f.write(b'x' * 65536)
        except OSError as e:
            assert e.errno == errno.EDQUOT, e
    return n

def make(path):
    try:
        os.mknod(path)
        return True
    except OSError as e:
        assert e.errno == errno.EDQUOT, e
        return False

# what is there when it comes counts
open('early', 'wb').write(b'y' * MB)
for n in range(10):
    os.mknod(f'e{n}')
st = quota(0.01, 40)
assert abs(st.f_blocks * st.f_frsize - 10737418) < 3 * st.f_frsize, st
n = fill('f')
assert 10737418 - MB - 2 * 65536 <= n <= 10737418 - MB, n
made = sum(make(f'm{k}') for k in range(60))
assert 40 - 15 <= made < 40 - 10, made
# more
quota(0.02, 60)
more = fill('f')
assert 10737418 - 65536 * 2 <= more <= 10737418 + 65536, more
assert sum(make(f'n{k}') for k in range(60)) == 20
# less than is there: what was written stays, and nothing goes in until enough is removed
quota(0.005, 20)
assert fill('f') == 0 and not make('o')
assert os.path.getsize('f') == n + more
assert open('f', 'rb').read() == b'x' * (n + more)
os.unlink('f')
for k in range(60):
    for name in f'm{k}', f'n{k}':
        if os.path.exists(name):
            os.unlink(name)
assert make('o')
assert 5368709 - MB - 2 * 65536 <= fill('g') <= 5368709 - MB
# none
st = quota(0, 0)
assert st.f_blocks == free.f_blocks
assert fill('g') == 64 * MB and all(make(f'p{k}') for k in range(60))
# one that is wrong leaves what was
open(config, 'w').write('storage: { quota_gb = -1; };\n')
os.kill(daemon, signal.SIGHUP)
assert fill('h') == 64 * MB
