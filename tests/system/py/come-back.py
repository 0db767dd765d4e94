"""D3, F1, RULES 28: the daemon is killed and started again under a process
that goes on: open files, offsets, locks, the working directory, orphans.
   come-back.py PREFIX RUN_DIR START...   START: the command that starts it"""
import ctypes, errno, fcntl, os, subprocess, sys, threading, time

import daemon

pre, run, start = sys.argv[1], sys.argv[2], sys.argv[3:]
plain = {k: v for k, v in os.environ.items() if k not in ('LD_PRELOAD', 'BENCHFS_STATE')}


def check(what, ok):
    if not ok:
        sys.exit(f'{what}: not so')


def restart(delay=0.0):
    """Kill it now; it is there again some time later."""
    daemon.kill(int(open(f'{run}/pid').read()))

    def later():
        time.sleep(delay)
        p = subprocess.run(start, env=plain, cwd='/', stderr=subprocess.PIPE, text=True)
        failed.append(f'start: {p.returncode} {p.stderr}' if p.returncode else '')
    failed, t = [], threading.Thread(target=later)
    t.start()
    return t, failed


def another(code):
    """In another process, which never had the daemon before."""
    p = subprocess.run([sys.executable, '-c', 'import errno, fcntl, os, sys\n' + code], capture_output=True, text=True)
    check(f'{code!r}: {p.stderr}', p.returncode == 0)
    return p.stdout.strip()


os.makedirs(f'{pre}/dir/sub')
f = os.open(f'{pre}/dir/file', os.O_RDWR | os.O_CREAT, 0o644)
os.write(f, b'0123456789')
os.lseek(f, 4, os.SEEK_SET)
a = os.open(f'{pre}/dir/file', os.O_WRONLY | os.O_APPEND)
d = os.open(f'{pre}/dir', os.O_RDONLY)
ino = os.fstat(f).st_ino
gone = os.open(f'{pre}/dir/gone', os.O_RDWR | os.O_CREAT)
os.write(gone, b'still here')
os.unlink(f'{pre}/dir/gone')
unnamed = os.open(f'{pre}/dir', os.O_RDWR | os.O_TMPFILE, 0o600)
os.write(unnamed, b'no name')
locked = os.open(f'{pre}/dir/locked', os.O_RDWR | os.O_CREAT)
fcntl.lockf(locked, fcntl.LOCK_EX, 10, 100)
flocked = os.open(f'{pre}/dir/flocked', os.O_RDWR | os.O_CREAT)
fcntl.flock(flocked, fcntl.LOCK_EX)
dirlock = os.open(f'{pre}/dir/sub', os.O_RDONLY)
fcntl.flock(dirlock, fcntl.LOCK_EX)
os.chdir(f'{pre}/dir')
listing = os.scandir(pre)

TRY = f'''
def busy(call, *args):
    try:
        call(*args)
    except OSError as e:
        return e.errno in (errno.EAGAIN, errno.EACCES)
    return False
f = os.open('{pre}/dir/locked', os.O_RDWR)
g = os.open('{pre}/dir/flocked', os.O_RDWR)
s = os.open('{pre}/dir/sub', os.O_RDONLY)
print(busy(fcntl.lockf, f, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 100), busy(fcntl.lockf, f, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 200),
      busy(fcntl.flock, g, fcntl.LOCK_EX | fcntl.LOCK_NB), busy(fcntl.flock, s, fcntl.LOCK_EX | fcntl.LOCK_NB))
'''
check('locks before', another(TRY) == 'True False True True')
for n, delay in enumerate((0.0, 1.0)):
    t, failed = restart(delay)
    # the first call of all meets nobody, and waits
    try:
        seen = os.stat('file').st_ino
    except OSError as e:
        seen = e
    t.join()
    check(f'{failed}, {seen}', failed == [''] and seen == ino)
    check('offset', os.read(f, 3) == b'456')
    os.lseek(f, 4, os.SEEK_SET)
    os.write(a, b'+')
    check('append', os.pread(f, 100, 0) == b'0123456789' + b'+' * (n + 1))
    check('st_ino', os.fstat(f).st_ino == ino and os.stat('file').st_ino == ino)
    check('working directory', os.getcwd() == f'{pre}/dir')
    check('orphan', os.pread(gone, 100, 0) == b'still here' and os.fstat(gone).st_nlink == 0)
    os.pwrite(gone, b'still', 0)
    check('unnamed', os.pread(unnamed, 100, 0) == b'no name')
    check('a descriptor of a directory', sorted(os.listdir(d)) == ['file', 'flocked', 'locked', 'sub'])
    check('its use as a start', os.stat('sub', dir_fd=d).st_nlink == 2)
    check(f'locks after {n}', another(TRY) == 'True False True True')
    check('somebody new', another(f"print(open('{pre}/dir/file').read())") == '0123456789' + '+' * (n + 1))
    os.mkdir(f'new.{n}')
    os.rmdir(f'new.{n}')
AT_FDCWD, AT_SYMLINK_FOLLOW = -100, 0x400
if ctypes.CDLL(None, use_errno=True).linkat(AT_FDCWD, b'/proc/self/fd/%d' % unnamed, AT_FDCWD, b'named', AT_SYMLINK_FOLLOW):
    sys.exit(f'linkat: {os.strerror(ctypes.get_errno())}')
check('a name for what had none', open('named').read() == 'no name')
fcntl.lockf(locked, fcntl.LOCK_UN, 10, 100)
fcntl.flock(flocked, fcntl.LOCK_UN)
fcntl.flock(dirlock, fcntl.LOCK_UN)
check('locks given up', another(TRY) == 'False False False False')
# what nobody has open any more goes, with its space
os.close(gone)
os.close(unnamed)
os.unlink('named')
