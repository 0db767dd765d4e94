# What stripe.sh does to files: random calls around the borders of chunks, and several processes at once.
import hashlib, os, random, sys

chunk, most = 65536, 12 * 65536
record, rounds, writers = 47008, 12, 4
rnd = random.Random(5)


def near():
    """An offset, mostly close to a chunk's border."""
    if rnd.randrange(3):
        return max(0, rnd.randrange(most // chunk) * chunk + rnd.randrange(-3, 4))
    return rnd.randrange(most)


def calls(fd, log):
    for n in range(400):
        what = rnd.randrange(10)
        at, size = near(), rnd.choice([1, 5, 4096, chunk, 3 * chunk + 1])
        if what < 4:
            log.append(os.pwrite(fd, rnd.randbytes(size), at))
        elif what < 7:
            log.append(hashlib.sha1(os.pread(fd, size, at)).hexdigest())
        elif what < 8:
            os.ftruncate(fd, near())
        elif what < 9:
            log.append(os.fstat(fd).st_size)
        else:
            other = os.open(f"{sys.argv[1]}/f", os.O_WRONLY | os.O_APPEND)
            log.append(os.write(other, rnd.randbytes(size)))
            os.close(other)


def several(work):
    """work(n) in a process of its own for each n."""
    children = []
    for n in range(writers):
        pid = os.fork()
        if not pid:
            work(n)
            os._exit(0)
        children.append(pid)
    for pid in children:
        assert os.waitpid(pid, 0)[1] == 0


def strided(n):
    fd = os.open(f"{sys.argv[1]}/strided", os.O_WRONLY)
    for r in range(rounds):
        data = bytes([1 + n * rounds + r]) * record
        assert os.pwrite(fd, data, (r * writers + n) * record) == record


def append(n):
    fd = os.open(f"{sys.argv[1]}/appended", os.O_WRONLY | os.O_APPEND)
    for r in range(rounds):
        assert os.write(fd, bytes([1 + n * rounds + r]) * record) == record


fd = os.open(f"{sys.argv[1]}/f", os.O_RDWR | os.O_CREAT, 0o644)
log = []
calls(fd, log)
print(hashlib.sha1(repr(log).encode()).hexdigest(), os.fstat(fd).st_size)
for name in "strided", "appended":
    os.close(os.open(f"{sys.argv[1]}/{name}", os.O_RDWR | os.O_CREAT, 0o644))
several(strided)
several(append)
with open(f"{sys.argv[1]}/appended", "rb") as f:
    got = [f.read(record) for _ in range(writers * rounds)]
    print(f.read() == b"", sorted(p[0] for p in got) == list(range(1, writers * rounds + 1)),
          all(p == p[:1] * record for p in got))
os.unlink(f"{sys.argv[1]}/appended")  # in any order
