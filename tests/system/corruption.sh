#!/bin/sh
# Files of a stopped daemon are flipped, cut off, swapped and removed, one at a
# time.  The next start refuses and names the file, or everything is as it was.
# Never a crash, never a name or content that was not written.  Without
# storage.checksum a data file's own bytes come as they are, and its size; with
# it, the second time, each is right or EIO.  A log that is cut off at its end is
# what a kill leaves, so the last changes may be gone, but not others.
. "${0%/*}/lib.sh"
requires "$PY"

cat >"$T/make.py" <<'END'
import os, sys
D = sys.argv[1]
for n in range(12):
    os.makedirs(f'{D}/d{n % 3}', exist_ok=True)
    with open(f'{D}/d{n % 3}/f{n}', 'w') as f:
        f.write(f'content of f{n}\n' * (n + 1))
    os.symlink(f'to/{n}', f'{D}/l{n}')
os.setxattr(f'{D}/d0/f0', 'user.x', b'value of x')
os.link(f'{D}/d0/f0', f'{D}/hard')
os.mkfifo(f'{D}/fifo')
END
# one line for each name: what it is and has, or the error
cat >"$T/look.py" <<'END'
import os, stat, sys
D = sys.argv[1]
def look(path):
    st = os.lstat(path)
    what = f'{stat.filemode(st.st_mode)} {st.st_nlink}'
    if stat.S_ISREG(st.st_mode):
        what += ' ' + repr(open(path, "rb").read())
        what += ' ' + ' '.join(f'{x}={os.getxattr(path, x)}' for x in sorted(os.listxattr(path)))
    elif stat.S_ISLNK(st.st_mode):
        what += ' ' + os.readlink(path)
    return what
def walk(path):
    for name in sorted(os.listdir(path)):
        p = f'{path}/{name}'
        try:
            print(p[len(D):], look(p))
        except OSError as e:
            print(p[len(D):], 'errno', e.errno)
        if os.path.isdir(p) and not os.path.islink(p):
            walk(p)
walk(D)
open(f'{D}/new', 'w').write('new')
os.unlink(f'{D}/new')
END
cat >"$T/damage.py" <<'END'
import os, random, shutil, subprocess, sys, time
T, data, mnt = os.environ['T'], os.environ['T'] + '/data', os.environ['mnt']
rd, run = T + '/run/d', os.environ['builddir'] + '/run'
random.seed(int(os.environ.get('SEED', '1')))
logs = ''
checks = sys.argv[1:] == ['checksum']

def start():
    global logs
    r = subprocess.run([run, 'benchfs', 'start', '--run-dir', rd, '-d', data,
                        '-o', 'storage.checksum=' + ('on' if checks else 'off')], capture_output=True, text=True, timeout=100)
    logs = r.stdout + r.stderr
    return r.returncode

def stop():
    r = subprocess.run([run, 'benchfs', 'stop', '--run-dir', rd], capture_output=True, text=True, timeout=100)
    if r.returncode:
        sys.exit(f'stop: {r.stderr}')

def inside(*cmd):
    r = subprocess.run([run, 'sh', '-c', 'eval "$(benchfs env --run-dir "$1" -m "$2")"; shift 2; exec "$@"',
                        'sh', rd, mnt, *cmd], capture_output=True, text=True, timeout=100)
    if r.returncode:
        sys.exit(f'{cmd}: {r.returncode} {r.stdout} {r.stderr}')
    return r.stdout.splitlines()

def daemon_log():
    try:
        return open(rd + '/log').read()
    except OSError:
        return ''

def fresh():
    shutil.rmtree(data)
    shutil.copytree(T + '/kept', data, symlinks=True, copy_function=copy)
def copy(a, b):
    # a fifo is made, not read
    if os.path.isfile(a) and not os.path.islink(a):
        subprocess.run(['cp', '-p', '--sparse=always', a, b], check=True)
    elif not os.path.lexists(b):
        os.mkfifo(b)

def files(of):
    out = []
    for d, _, names in os.walk(of):
        out += [os.path.join(d, n)[len(of) + 1:] for n in names if os.path.isfile(os.path.join(d, n))]
    return sorted(out)

if start():
    sys.exit(f'no start: {logs}')
inside(sys.executable, T + '/make.py', mnt)
for n in range(11):  # as many segments as make a checkpoint
    stop()
    if start():
        sys.exit(f'no start {n}: {logs}')
for n in range(300):
    if os.path.exists(data + '/meta/map.sum'):
        break
    time.sleep(0.1)
else:
    sys.exit(f'no checkpoint: {os.listdir(data + "/meta")}')
inside('sh', '-c', 'cd "$1"; mkdir late; echo late >late/f; ln -s x late/l; chmod 640 d0/f0', 'sh', mnt)
want = inside(sys.executable, T + '/look.py', mnt)
stop()
os.rename(data, T + '/kept')
os.mkdir(data)
content = {l.split()[0] for l in want}
seen = {'refused': 0, 'as it was': 0, 'errors': 0, 'shorter log': 0, 'content': 0}

def differs(got, of_data, cut_log, what):
    lost = [l for l in want if l not in got]
    extra = [l for l in got if l not in want]
    if not lost and not extra:
        seen['as it was'] += 1
        return None
    errors = [l for l in extra if ' errno 5' in l]
    if of_data:
        # one file's content, or an error, with a word in the log
        names = {l.split()[0] for l in lost} | {l.split()[0] for l in extra}
        if errors and of_data not in daemon_log():
            return f'the log does not name {of_data}: {daemon_log()}'
        if checks and [l for l in extra if l not in errors]:
            return f'wrong bytes: {extra}'
        seen['errors' if errors else 'content'] += 1
        # the hard link shows its file's content too; a swap changes two
        most = 4 if 'swap' in what else 2
        return None if len(names) <= most and not [l for l in lost if '->' in l] else f'{names} differ'
    if cut_log:
        seen['shorter log'] += 1
        # what is missing was done last; what is left is right, or was
        bad = [l for l in extra if not l.startswith('/d0/f0 ') and not l.startswith('/hard ')]
        bad += [l for l in lost if not l.startswith(('/late', '/d0/f0 ', '/hard '))]
        return f'{bad}' if bad else None
    return f'lost {lost}, new {extra}'

def case(what, path, do, cut_log=False):
    fresh()
    do(f'{data}/{path}')
    is_data = path.startswith(('data/', 'sums/'))
    if start():
        if is_data:
            sys.exit(f'{what} {path}: no start: {logs}')
        if os.path.basename(path) not in logs and 'meta' not in logs:
            sys.exit(f'{what} {path}: the file is not named: {logs}')
        if 'signal' in logs or 'egmentation' in logs:
            sys.exit(f'{what} {path}: a crash: {logs}')
        seen['refused'] += 1
        return
    got = inside(sys.executable, T + '/look.py', mnt)
    bad = differs(got, os.path.basename(path) if is_data else '', cut_log, what)
    stop()
    if bad:
        sys.exit(f'{what} {path}: {bad}')

def flip(at):
    def do(p):
        with open(p, 'r+b') as f:
            f.seek(at)
            b = f.read(1)[0]
            f.seek(at)
            f.write(bytes([b ^ 1 << random.randrange(8)]))
    return do

def swap(other):
    def do(p):
        q = f'{data}/{other}'
        os.rename(p, p + '.x')
        os.rename(q, p)
        os.rename(p + '.x', q)
    return do

all_files = files(T + '/kept')
logs_of = [f for f in all_files if f.startswith('meta/log.')]
newest = max(logs_of)
size = {f: os.path.getsize(f'{T}/kept/{f}') for f in all_files}
for f in all_files:
    if f.startswith('meta/') and checks:
        continue
    if not f.startswith('data/') and size[f]:
        many = 4 if f in (newest, 'meta/map.lmdb') else 2
        for at in [0, size[f] - 1] + [random.randrange(size[f]) for _ in range(many)]:
            case(f'flip {at}', f, flip(at))
        case('cut', f, lambda p: os.truncate(p, os.path.getsize(p) // 2), cut_log=f == newest)
        case('empty', f, lambda p: os.truncate(p, 0), cut_log=f == newest)
    if not f.startswith('data/'):
        case('remove', f, os.unlink, cut_log=f == newest)
for a, b in zip(logs_of, logs_of[1:]) if not checks else ():
    case('swap', a, swap(b))
of_data = [f for f in all_files if f.startswith('data/') and size[f]]
for f in of_data if checks else random.sample(of_data, 3):
    case('remove', f, os.unlink)
    for at in {0, size[f] - 1, random.randrange(size[f])} if checks else {0}:
        case(f'flip {at}', f, flip(at))
    case('cut', f, lambda p: os.truncate(p, os.path.getsize(p) - 1))
    case('empty', f, lambda p: os.truncate(p, 0))
case('swap', of_data[0], swap(of_data[1]))
if checks:
    sums = [f for f in all_files if f.startswith('sums/')]
    case('swap', sums[0], swap(sums[1]))
print(f'{sum(seen.values())} cases: {seen}')
if not (seen['refused'] or checks) or not seen['as it was'] or not seen['errors']:
    sys.exit('some outcomes were never seen')
END
at_exit='"$builddir/run" benchfs stop --run-dir "$T/run/d" >/dev/null 2>&1'
"$PY" "$T/damage.py" || fail "status $?"
rm -rf "$T/data" "$T/kept" "$T/run/d"
"$PY" "$T/damage.py" checksum || fail "with storage.checksum: status $?"
