# SPDX-License-Identifier: BSD-3-Clause
"""stripe_end.py DIR CHUNK: the end of a striped file (S7).

Defects of a comparable file system: a read past the end gave zeros and made
the file longer, O_TRUNC was sent and ignored.
"""
import os
import sys

top, chunk = sys.argv[1], int(sys.argv[2])


def data(n, k):
    return bytes((i * 7 + i // 251 + k) % 255 + 1 for i in range(n))


def elsewhere(work):
    """In another process."""
    pid = os.fork()
    if not pid:
        work()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0


def reads_end(path, want):
    n = len(want)
    fd = os.open(path, os.O_RDONLY)
    for at in n, n + 1, n + 4095, n + chunk, n + 5 * chunk + 3, 1 << 40, (1 << 62) - 1:
        for size in 1, 4096, chunk, 3 * chunk + 1:
            assert os.pread(fd, size, at) == b"", (n, at, size)
    for before in 1, 100, chunk - 1, chunk, chunk + 1, 3 * chunk:
        if before <= n:
            for size in before + 1, before + chunk, before + 4 * chunk:
                assert os.pread(fd, size, n - before) == want[n - before :], (n, before, size)
    os.lseek(fd, n, os.SEEK_SET)
    assert os.read(fd, 10) == b"" and os.lseek(fd, 0, os.SEEK_CUR) == n
    assert os.fstat(fd).st_size == os.stat(path).st_size == n
    os.close(fd)


def emptied(path, how):
    """Nothing of what was there before comes back."""
    os.close(os.open(path, how))
    assert os.stat(path).st_size == 0
    elsewhere(lambda: reads_end(path, b""))
    fd = os.open(path, os.O_RDWR)
    far = 6 * chunk + 11
    assert os.pwrite(fd, b"x", far) == 1
    assert os.pread(fd, far + 10, 0) == bytes(far) + b"x", "old bytes"
    os.close(fd)


sizes = [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk - 1, 4 * chunk + 17, 9 * chunk + 5]
for k, n in enumerate(sizes):
    path = f"{top}/f{k}"
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    want = data(n, k)
    assert os.write(fd, want) == n
    reads_end(path, want)
    elsewhere(lambda: reads_end(path, want))
    emptied(path, os.O_WRONLY | os.O_TRUNC)
    # by the description that was open all the time, too
    assert os.fstat(fd).st_size == 6 * chunk + 12
    os.close(fd)
    with open(path, "wb") as f:
        f.write(want)
    reads_end(path, want)
    emptied(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.unlink(path)
