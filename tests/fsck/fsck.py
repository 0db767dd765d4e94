# What the tests of benchfs fsck share: daemons, a copy of their directory that
# comes back for each case, defects that are planted in it, and what fsck must say.
import hashlib, json, os, shutil, subprocess, sys
T, mnt = os.environ['T'], os.environ['mnt']
build = os.environ['builddir']
run, plant_cmd = build + '/run', build + '/tests/fsck/plant'
data, kept, rd = T + '/data', T + '/kept', T + '/run/d'
DIR, FILE, FIFO, LINK = '40000', '100000', '10000', '120000'
ROOT = 1

def call(*cmd, ok=(0,), **more):
    r = subprocess.run(cmd, capture_output=True, text=True, timeout=120, **more)
    if ok is not None and r.returncode not in ok:
        sys.exit(f'{cmd}: {r.returncode}\n{r.stdout}\n{r.stderr}')
    return r

class Cluster:
    def __init__(self, n, options=()):
        self.n, self.options = n, list(options)

    def start(self):
        call(run, 'benchfs', 'start', '-n', str(self.n), '--run-dir', rd, '-d', data,
             *self.options)

    def stop(self):
        call(run, 'benchfs', 'stop', '--run-dir', rd)

    # a python text, which sees D, in a program that sees BenchFS
    def inside(self, text):
        r = call(run, 'sh', '-c',
                 'eval "$(benchfs env --run-dir "$1" -m "$2")"; shift 2; exec "$@"',
                 'sh', rd, mnt, sys.executable, '-c', f'import os, stat, json, sys\nD = {mnt!r}\n' + text)
        return r.stdout

    # {path: what it is, has, and how many links}, and its number
    def look(self):
        out = self.inside(LOOK)
        return {k: tuple(v) for k, v in json.loads(out).items()}

    def dirs(self):
        return [data] if self.n == 1 else [f'{data}/{d}' for d in members()]

    def fsck(self, *more):
        r = call(run, 'benchfs', 'fsck', '--json', *more, data, ok=None)
        if r.returncode not in (0, 1, 4):
            sys.exit(f'fsck: {r.returncode} {r.stdout} {r.stderr}')
        return r.returncode, json.loads(r.stdout)

    # on the one shard that has it
    def plant(self, action, *args):
        words = [f'{a:x}' if isinstance(a, int) else a for a in args]
        for d in self.dirs():
            r = call(plant_cmd, d, str(self.n), action, *words, ok=(0, 3))
            if not r.returncode:
                return d
        sys.exit(f'{action} {words}: no shard has that')

LOOK = """
def one(p):
    st = os.lstat(p)
    if stat.S_ISREG(st.st_mode):
        try:
            has = open(p, 'rb').read().decode('latin1')
        except OSError as e:
            has = f'errno {e.errno}'
        has += ''.join(sorted(x + '=' + os.getxattr(p, x).decode() for x in os.listxattr(p)))
    elif stat.S_ISLNK(st.st_mode):
        has = os.readlink(p)
    else:
        has = ''
    return [stat.filemode(st.st_mode), has, st.st_nlink, st.st_ino]
def walk(p, out):
    for name in sorted(os.listdir(p)):
        q = p + '/' + name
        out[q[len(D):]] = one(q)
        if stat.S_ISDIR(os.lstat(q).st_mode):
            walk(q, out)
    return out
out = walk(D, {'/': one(D)})
open(D + '/new', 'w').write('new')
os.unlink(D + '/new')
print(json.dumps(out))
"""

def members():
    return sorted(d for d in os.listdir(data) if d != 'registry')

def data_file(d, ino):
    return f'{d}/data/{ino & 255:02x}/{ino:016x}'

def state(top):
    out = {}
    for at, dirs, names in os.walk(top):
        for n in names:
            p = os.path.join(at, n)
            st = os.lstat(p)
            what = hashlib.sha256(open(p, 'rb').read()).hexdigest() if os.path.isfile(p) else ''
            out[p] = (st.st_mode, st.st_size, st.st_mtime_ns, what)
        for n in dirs:
            p = os.path.join(at, n)
            out[p] = (os.lstat(p).st_mode, os.lstat(p).st_mtime_ns)
    return out

def copy_back():
    if os.path.exists(data):
        shutil.rmtree(data)
    call('cp', '-a', '--sparse=always', kept, data)

def lost(ino):
    return f'/lost+found/#{ino:016x}'

# One defect: what is told, that nothing is changed, that it is mended, and what
# a daemon serves then.  want: how the tree differs from what it was: {path: what},
# None for one that is not there any more; "..." stands for what it was.
def case(c, name, plant, kinds, was, want, lost_dir='/lost+found'):
    copy_back()
    plant()
    before = state(data)
    status, told = c.fsck()
    after = state(data)
    if before != after:
        sys.exit(f'{name}: looking changed {set(before.items()) ^ set(after.items())}')
    found = {d['kind'] for d in told['defects']}
    if status != 4 or found != set(kinds) or told['status'] != 'defects left':
        sys.exit(f'{name}: {status}, {told}')
    if sum(told['counts'].values()) != len(told['defects']) or any(d['corrected'] for d in told['defects']):
        sys.exit(f'{name}: {told}')
    status, told = c.fsck('--repair')
    found = {d['kind'] for d in told['defects']}
    if status != 1 or found != set(kinds) or not all(d['corrected'] for d in told['defects']):
        sys.exit(f'{name}: --repair: {status}, {told}')
    status, told = c.fsck()
    if status or told['defects'] or told['status'] != 'clean':
        sys.exit(f'{name}: then: {status}, {told}')
    c.start()
    got = c.look()
    c.stop()
    right = dict(was)
    for path, what in want.items():
        if what is None:
            right.pop(path)
        else:
            right[path] = what
    if any(p.startswith(lost_dir + '/') for p in want):
        right[lost_dir] = ('drwx------', '', None, None)
        mode, has, links, ino = right['/']
        right['/'] = (mode, has, links + 1, ino)
    for path in set(right) | set(got):
        a, b = right.get(path), got.get(path)
        if not a or not b or any(x not in (None, y) for x, y in zip(a, b)):
            sys.exit(f'{name}: {path} is {b}, not {a}')
    status, told = c.fsck()
    if status:
        sys.exit(f'{name}: at the end: {status}, {told}')
    print(f'{name}: {", ".join(sorted(kinds))}')
