"""D1, D3, F2: processes work at random while their daemon is killed and started
again, round after round.  Each call must do what it says, once, and each
process knows what there must be.
   kill-daemon.py work PREFIX NAME SEED END RESULT   one process, until END exists
   kill-daemon.py drive RUN_DIR ROUNDS SEED START...
   kill-daemon.py compare PREFIX RESULT..."""
import errno, json, os, random, subprocess, sys, time

import daemon

PLAIN = {k: v for k, v in os.environ.items() if k not in ('LD_PRELOAD', 'BENCHFS_STATE')}


class Worker:
    """What is in our directory: name -> bytes of a file, str of a symlink, or None for a directory."""

    def __init__(self, pre, name, seed):
        self.dir, self.shared = f'{pre}/{name}', f'{pre}/shared'
        self.name, self.random = name, random.Random(f'{seed} {name}')
        self.has, self.mode, self.won, self.n, self.calls = {}, {}, [], 0, 0
        self.big_path, self.big = f'{pre}/{name}.big', bytearray()
        os.mkdir(self.dir)
        os.makedirs(self.shared, exist_ok=True)

    def path(self, name):
        return f'{self.dir}/{name}'

    def any(self):
        return self.random.choice('abcdefgh')

    def call(self, want, f, *args, **kw):
        """want: the errno, or 0."""
        self.calls += 1
        try:
            r = f(*args, **kw)
        except OSError as e:
            if e.errno != want:
                sys.exit(f'{self.name}: {f.__name__}{args}: {e}, wanted {errno.errorcode.get(want, want)}; call {self.calls}')
            return None
        if want:
            sys.exit(f'{self.name}: {f.__name__}{args} succeeded, wanted {errno.errorcode[want]}; call {self.calls}')
        return r

    def mkdir(self):
        n = self.any()
        self.call(errno.EEXIST if n in self.has else 0, os.mkdir, self.path(n))
        self.has.setdefault(n, None)

    def rmdir(self):
        n = self.any()
        want = errno.ENOENT if n not in self.has else errno.ENOTDIR if self.has[n] is not None else 0
        self.call(want, os.rmdir, self.path(n))
        if not want:
            del self.has[n]

    def unlink(self):
        n = self.any()
        want = errno.ENOENT if n not in self.has else errno.EISDIR if self.has[n] is None else 0
        self.call(want, os.unlink, self.path(n))
        if not want:
            del self.has[n]
            self.mode.pop(n, None)

    def create(self):
        n = self.any()
        fd = self.call(errno.EEXIST if n in self.has else 0, os.open, self.path(n), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        if fd is not None:
            data = b'%d ' % self.calls
            self.call(0, os.write, fd, data)
            os.close(fd)
            self.has[n], self.mode[n] = data, 0o644

    def append(self):
        n = self.any()
        if isinstance(self.has.get(n), bytes):
            fd = self.call(0, os.open, self.path(n), os.O_WRONLY | os.O_APPEND)
            data = b'+%d' % self.calls
            self.call(0, os.write, fd, data)
            os.close(fd)
            self.has[n] += data

    def big_write(self):
        """Of several messages, of which the kill may meet each; appended it must be there once."""
        size = self.random.randrange(20, 30) * 100_000
        data = (b'%08d' % self.calls * (size // 8 + 1))[:size]
        at = self.random.randrange(len(self.big) + 1)
        append = len(self.big) < 6_000_000 and self.random.random() < 0.5
        fd = self.call(0, os.open, self.big_path, os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else 0))
        if append:
            at = len(self.big)
            n = self.call(0, os.write, fd, data)
        else:
            n = self.call(0, os.pwrite, fd, data, at)
        os.close(fd)
        if n != size:
            sys.exit(f'{self.name}: {n} of {size} bytes; call {self.calls}')
        self.big[at:at + size] = data
        self.big_look()

    def big_look(self):
        got = open(self.big_path, 'rb').read() if self.big else b''
        if got != self.big:
            at = next((k for k in range(min(len(got), len(self.big))) if got[k] != self.big[k]), None)
            sys.exit(f'{self.name}: the big file has {len(got)} bytes, not {len(self.big)}, and differs at {at}')

    def truncate(self):
        n = self.any()
        if isinstance(self.has.get(n), bytes):
            size = self.random.randrange(6)
            self.call(0, os.truncate, self.path(n), size)
            self.has[n] = self.has[n][:size].ljust(size, b'\0')

    def rename(self):
        a, b = self.any(), self.any()
        old, new = self.has.get(a, 0), self.has.get(b, 0)
        want = errno.ENOENT if old == 0 else 0
        if not want and a != b and new != 0:
            if old is None and new is not None:
                want = errno.ENOTDIR
            elif old is not None and new is None:
                want = errno.EISDIR
        self.call(want, os.rename, self.path(a), self.path(b))
        if not want and a != b:
            self.has[b] = self.has.pop(a)
            self.mode.pop(b, None)
            if a in self.mode:
                self.mode[b] = self.mode.pop(a)

    def symlink(self):
        n, target = self.any(), f'to {self.calls}'
        self.call(errno.EEXIST if n in self.has else 0, os.symlink, target, self.path(n))
        self.has.setdefault(n, target)

    def chmod(self):
        n = self.any()
        if isinstance(self.has.get(n), bytes):
            self.mode[n] = self.random.randrange(0o600, 0o1000)
            self.call(0, os.chmod, self.path(n), self.mode[n])

    def win(self):
        """One of all processes makes it."""
        self.n += 1
        try:
            os.close(os.open(f'{self.shared}/{self.n}', os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return
        self.won.append(self.n)

    def look(self):
        got = {}
        for e in os.scandir(self.dir):
            if e.is_symlink():
                got[e.name] = os.readlink(e.path)
            elif e.is_dir():
                got[e.name] = None
            else:
                got[e.name] = open(e.path, 'rb').read()
                mode = os.stat(e.path).st_mode & 0o7777
                if mode != self.mode[e.name]:
                    sys.exit(f'{self.name}: {e.name} has mode {mode:o}, not {self.mode[e.name]:o}')
        if got != self.has:
            sys.exit(f'{self.name}: there is {got}, not {self.has}; call {self.calls}')

    def run(self, end):
        steps = [self.mkdir, self.rmdir, self.unlink, self.create, self.create, self.append, self.append, self.truncate, self.big_write,
                 self.rename, self.rename, self.symlink, self.chmod, self.win, self.look]
        while not os.path.exists(end):
            self.random.choice(steps)()
        self.look()
        self.big_look()


def work(pre, name, seed, end, result):
    os.umask(0o022)
    w = Worker(pre, name, seed)
    w.run(end)
    with open(result, 'w') as f:
        json.dump({'dir': w.dir, 'has': {k: v.decode('latin1') if isinstance(v, bytes) else [v] for k, v in w.has.items()},
                   'won': w.won, 'calls': w.calls}, f)


def drive(run, rounds, seed, *start):
    r = random.Random(seed)
    for n in range(int(rounds)):
        time.sleep(r.uniform(0.05, 0.4))
        daemon.kill(int(open(f'{run}/pid').read()))
        p = subprocess.run(start, env=PLAIN, capture_output=True, text=True)
        if p.returncode:
            sys.exit(f'round {n}: the daemon does not start: {p.returncode} {p.stderr}')


def compare(pre, *results):
    won, calls = [], 0
    for path in results:
        r = json.load(open(path))
        got = {}
        for e in os.scandir(r['dir']):
            got[e.name] = [os.readlink(e.path)] if e.is_symlink() else [None] if e.is_dir() else open(e.path, 'rb').read().decode('latin1')
        if got != r['has']:
            sys.exit(f'{r["dir"]}: there is {got}, not {r["has"]}')
        won += r['won']
        calls += r['calls']
    if sorted(won) != sorted(int(n) for n in os.listdir(f'{pre}/shared')) or len(won) != len(set(won)):
        sys.exit(f'the names that somebody won are not those that are there, once each: {sorted(won)}')
    print(f'{len(results)} processes, {calls} calls, {len(won)} names won')


{'work': work, 'drive': drive, 'compare': compare}[sys.argv[1]](*sys.argv[2:])
