# Run by syncfs.sh: DIR HELD RUN_DIR.  The daemon's syncfs waits while there is the file HELD.
import ctypes, errno, os, signal, sys, time
top, held, run = sys.argv[1:4]
libc = ctypes.CDLL(None, use_errno=True)
daemon = int(open(f'{run}/pid').read())


def begin():
    """A process that syncs all."""
    pid = os.fork()
    if not pid:
        fd = os.open(top, os.O_RDONLY)
        os._exit(ctypes.get_errno() if libc.syncfs(fd) else 0)
    return pid


def end(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def begun():
    try:
        return [int(x) for x in open(f'{held}.in').read().split()]
    except FileNotFoundError:
        return []


def await_begun(n):
    end = time.monotonic() + 30
    while len(begun()) < n:
        assert time.monotonic() < end, f'{len(begun())} have begun, not {n}'
        time.sleep(0.01)


def hold():
    open(held, 'w').close()


def others_are_served():
    start = time.monotonic()
    for n in range(50):
        with open(f'{top}/f{n}', 'w') as f:
            f.write('x' * 1000)
            if n % 10 == 0:
                os.fsync(f.fileno())
        os.stat(f'{top}/f{n}')
        os.unlink(f'{top}/f{n}')
    return time.monotonic() - start


if os.path.exists(f'{held}.in'):
    os.unlink(f'{held}.in')
hold()
first = begin()
await_begun(1)
assert begun()[0] != daemon, 'the daemon itself waits for the disk'
print(f'others: {others_are_served():.2f} s')
# Who comes now has to wait for another one: ours may have passed what he wrote.
more = [begin() for _ in range(5)]
time.sleep(0.3)
assert os.waitpid(first, os.WNOHANG)[0] == 0 and len(begun()) == 1, begun()
for pid in more:
    assert os.waitpid(pid, os.WNOHANG)[0] == 0, 'it did not wait'
os.unlink(held)
assert [end(p) for p in [first] + more] == [0] * 6
assert 2 <= len(begun()) <= 6, begun()

open(f'{held}.eio', 'w').close()
assert end(begin()) == errno.EIO
os.unlink(f'{held}.eio')
assert end(begin()) == 0

# A helper that is killed: the daemon does it.
hold()
n = len(begun())
first = begin()
await_begun(n + 1)
helper = begun()[n]
os.kill(helper, signal.SIGKILL)
await_begun(n + 2)
assert begun()[n + 1] == daemon
os.unlink(held)
assert end(first) == 0
# None is left.
children = [int(p) for p in open(f'/proc/{daemon}/task/{daemon}/children').read().split()]
for p in children:
    assert b'--syncfs' not in open(f'/proc/{p}/cmdline', 'rb').read(), p
others_are_served()
