# SPDX-License-Identifier: BSD-3-Clause
"""maps.py MOUNT: programs on several nodes that map the same file (D2a).

Run as "maps.py worker" on a node it does what it is told on its standard
input, a Python expression for each line, and answers with what that gives.
"""
import errno
import mmap
import os
import random
import subprocess
import sys
import time


class Worker:
    """What a worker's expressions may use."""

    def open(self, path, flags, size=0):
        self.fd = os.open(path, flags, 0o755)
        if size:
            os.ftruncate(self.fd, size)

    def map(self, write):
        prot = mmap.PROT_READ | (mmap.PROT_WRITE if write else 0)
        self.m = mmap.mmap(self.fd, 0, mmap.MAP_SHARED, prot)

    def store(self, at, data):
        self.m[at : at + len(data)] = data

    def load(self, at, n):
        return self.m[at : at + n]

    def sync(self):
        self.m.flush()

    def unmap(self):
        self.m.close()

    def pread(self, at, n):
        return os.pread(self.fd, n, at)

    def pwrite(self, at, data):
        return os.pwrite(self.fd, data, at)

    def truncate(self, size):
        os.ftruncate(self.fd, size)

    def home(self):
        """The node that has the file, by its daemon's shard."""
        return (os.fstat(self.fd).st_ino >> 48) // 2 + 1

    def size(self):
        return os.fstat(self.fd).st_size


def worker():
    w = Worker()
    names = {n: getattr(w, n) for n in dir(w) if n[0] != "_"}
    for line in sys.stdin:
        try:
            answer = eval(line, {"os": os}, names)
        except OSError as e:
            answer = errno.errorcode[e.errno]
        print(repr(answer), flush=True)


class Remote:
    def __init__(self, node):
        self.p = subprocess.Popen(
            ["on", str(node), sys.executable, __file__, "worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __getattr__(self, name):
        def call(*args):
            print(f"{name}(*{args!r})", file=self.p.stdin, flush=True)
            line = self.p.stdout.readline()
            assert line, f"the worker that was to {name} has died"
            return eval(line)
        return call

    def end(self):
        self.p.stdin.close()
        assert self.p.wait(60) == 0

    def kill(self):
        self.p.kill()
        self.p.wait()


def want(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"


def soon(what, wanted):
    """Within the seconds that a look takes."""
    until = time.monotonic() + 60
    while what() != wanted:
        assert time.monotonic() < until, f"{what()!r} is not {wanted!r}"
        time.sleep(0.05)


def opened(node, path, flags=os.O_RDWR, size=0):
    r = Remote(node)
    want(r.open(path, flags | (os.O_CREAT if size else 0), size), None)
    return r


def stores(path):
    """What one node stores, others read; what they write shows."""
    a = opened(1, path, size=3 * 4096 + 100)
    same, b, c = opened(1, path), opened(2, path), opened(3, path)
    want(a.map(True), None)
    want(c.map(True), "ENODEV")
    want(c.map(False), None)
    a.store(10, b"STORED")
    want(same.pread(10, 6), b"STORED")
    want(a.sync(), None)
    want(b.pread(10, 6), b"STORED")
    soon(lambda: c.load(10, 6), b"STORED")
    want(b.pwrite(5000, b"WRITTEN"), 7)
    want(a.load(4999, 9), b"\0WRITTEN\0")
    want(c.load(5000, 7), b"WRITTEN")
    want(same.pread(5000, 7), b"WRITTEN")
    want(same.pwrite(5001, b"same"), 4)
    want(a.load(5000, 7), b"WsameEN")
    want(b.pread(5000, 7), b"WsameEN")
    # beside each other in one page
    a.store(200, b"a.a.a")
    want(b.pwrite(201, b"b"), 1)
    want(b.pwrite(203, b"b"), 1)
    a.sync()
    want(b.pread(200, 5), b"aba" + b"ba")
    # cut off, and grown again
    want(b.truncate(4096), None)
    want((same.size(), same.pread(4090, 100)), (4096, b"\0" * 6))
    want(b.truncate(8192), None)
    want(a.load(5000, 7), b"\0" * 7)
    # the end of a mapping, and of a process, without a word
    a.store(0, b"unmapped")
    want(a.unmap(), None)
    want(b.pread(0, 8), b"unmapped")
    want(a.map(True), None)
    a.store(0, b"ended...")
    a.end()
    want(b.pread(0, 8), b"ended...")
    at_home = same.home() == 1  # may map it unseen
    if at_home:
        same.end()
        same = opened(4, path)
    soon(lambda: c.map(True), None)
    want(same.map(True), "ENODEV")
    c.store(0, b"killed")
    c.kill()
    soon(lambda: b.pread(0, 6), b"killed")
    soon(lambda: same.map(True), None)
    for w in same, b:
        w.end()


def much(path):
    """All kinds of runs of bytes."""
    size = 9 << 20
    a, b = opened(2, path, size=size + 5), opened(4, path, os.O_RDONLY)
    data = bytearray(size + 5)
    want(a.map(True), None)
    rnd = random.Random(1)
    for _ in range(400):
        n = rnd.choice((1, 3, 100, 5000, 100000))
        at = rnd.randrange(size + 5 - n)
        piece = bytes(rnd.choice(b"\0x\xff") for _ in range(min(n, 50)))
        piece = (piece * (n // len(piece) + 1))[:n]
        data[at : at + n] = piece
        a.store(at, piece)
    a.sync()
    for at in range(0, size + 5, 1 << 20):
        want(b.pread(at, 1 << 20) == data[at : at + (1 << 20)], True)
    for w in a, b:
        w.end()


def busy(path, program):
    """A file that any node executes is not written."""
    b = opened(2, path, os.O_RDWR, 1)
    with open(program, "rb") as f:
        want(b.pwrite(0, f.read()), os.path.getsize(program))
    b.end()
    p = subprocess.Popen(["on", "1", "env", path, "100"])
    until = time.monotonic() + 60
    while open(f"/proc/{p.pid}/comm").read().strip() != os.path.basename(path):
        assert time.monotonic() < until
        time.sleep(0.02)
    w = Remote(3)
    want(w.open(path, os.O_WRONLY), "ETXTBSY")
    want(w.open(path, os.O_RDWR | os.O_TRUNC), "ETXTBSY")
    want(w.open(path, os.O_RDONLY), None)
    p.kill()
    p.wait()
    want(w.open(path, os.O_WRONLY | os.O_TRUNC), None)
    w.end()


def own_node(path):
    """Who has it open for writing on its own node may map it unseen."""
    a, b = opened(1, path, size=4096), opened(2, path)
    want(a.map(True), "ENODEV")
    want(a.map(False), None)
    want(b.pwrite(0, b"seen"), 4)
    soon(lambda: a.load(0, 4), b"seen")
    for w in a, b:
        w.end()
    a = opened(1, path)
    want(a.map(True), None)
    b = opened(2, path)
    want(b.map(True), "ENODEV")
    want(b.pwrite(0, b"told"), 4)
    want(a.load(0, 4), b"told")
    for w in a, b:
        w.end()


def paths(mount, home, count):
    """Names of files that the node will have."""
    found = []
    for n in range(1000):
        path = f"{mount}/of{home}.{n}"
        w = opened(home, path, size=1)
        if w.home() == home:
            found.append(path)
        w.end()
        if len(found) == count:
            return found


def main():
    mount = sys.argv[1]
    for path in paths(mount, 4, 2) + paths(mount, 1, 1):
        stores(path)
    own_node(paths(mount, 2, 1)[0])
    for n in range(3):
        much(f"{mount}/much{n}")
        busy(f"{mount}/busy{n}", "/usr/bin/sleep")


if sys.argv[1] == "worker":
    worker()
else:
    main()
