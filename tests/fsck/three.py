# Defects of three daemons' directories, with striped files.
import os, shutil, sys, time
sys.path.insert(0, os.environ['srcdir'] + '/tests/fsck')
from fsck import *

c = Cluster(3, ['-o', 'storage.placement=stripe', '-o', 'storage.chunk_size=64K'])
c.start()
c.inside("""
for n in range(4):
    os.makedirs(f'{D}/d{n}/sub')
    for k in range(12):
        open(f'{D}/d{n}/f{k}', 'w').write(f'content of {n} {k}')
for n in range(3):
    with open(f'{D}/big{n}', 'w') as f:
        for k in range(9):
            f.write(f'{n} {k} '.ljust(50000))
for k in range(12):
    os.link(f'{D}/d0/f{k}', f'{D}/d1/l{k}')
    os.rename(f'{D}/d2/f{k}', f'{D}/d3/g{k}')
os.setxattr(D + '/d0/f0', 'user.x', b'value')
""")
was = c.look()
c.stop()
# changes on several shards are on disk everywhere within a second or two
for n in range(20):
    status, told = c.fsck()
    if status:
        sys.exit(f'nothing is wrong: {told}')
    if not told['pending']:
        break
    c.start()
    was = c.look()
    time.sleep(0.5 * n)
    c.stop()
else:
    sys.exit(f'changes are never over: {told}')
os.rename(data, kept)
shutil.copytree(kept, data, symlinks=True)
dirs = c.dirs()
ino = {p: v[3] for p, v in was.items()}
home = lambda p: ino[p] >> 48
under = lambda top: {p: v for p, v in was.items() if p == top or p.startswith(top + '/')}

def moved(top):
    to = lost(ino[top])
    out = {p: None for p in under(top)}
    out.update({to + p[len(top):]: v for p, v in under(top).items()})
    return out

def check(name, plant, kinds, want):
    case(c, name, plant, kinds, was, want)

def links(n, *paths):
    return {p: (was[p][0], was[p][1], was[p][2] + n, ino[p]) for p in paths}

before = state(data)
for more in [], ['--repair']:
    status, told = c.fsck(*more)
    if status or told['shards'] != 3 or told['shards_missing']:
        sys.exit(f'nothing is wrong: {told}')
    if state(data) != before:
        sys.exit(f'{more} changed what is right')

# each on whatever shard it is: a dozen names are on all of them
for p in '/d0/f3', '/d3/g5', '/d0/f0':
    top, name = p[1:].split('/')
    if was[p][2] == 1:
        check(f'an inode without a name on shard {home(p)}', lambda: c.plant('unentry', ino['/' + top], name),
              ['inode-without-entry'], moved(p))
# the part that had it counts it still, but the home does not count its own
copy_back()
part_wrong = ['directory-count'] if c.plant('unentry', ROOT, 'd2') != dirs[0] else []
check('a directory without a name', lambda: c.plant('unentry', ROOT, 'd2'), ['inode-without-entry', *part_wrong],
      {**moved('/d2'), **links(-1, '/')})
check('a name too few', lambda: c.plant('unentry', ino['/d1'], 'l3'), ['link-count'],
      {'/d1/l3': None, **links(-1, '/d0/f3')})
check('a wrong number of links', lambda: c.plant('nlink', ino['/d0/f4'], 7), ['link-count'], {})
# the entries of a file that was renamed may be on another shard than its inode
renamed = [p for p in was if p.startswith('/d3/g')]
check('names without inodes', lambda: [(c.plant('uninode', ino[p]), os.unlink(data_file(dirs[home(p)], ino[p])))
                                       for p in renamed],
      ['entry-without-inode'], {p: None for p in renamed})
check('files without inodes', lambda: [c.plant('uninode', ino[p]) for p in renamed],
      ['file-without-inode'], {p: ('-rw-------', *was[p][1:]) for p in renamed})
check('a striped file without an inode', lambda: c.plant('uninode', ino['/big0']),
      ['file-without-inode'], {'/big0': ('-rw-------', *was['/big0'][1:])})
check('a striped file without data at its home', lambda: os.unlink(data_file(dirs[home('/big1')], ino['/big1'])),
      ['inode-without-data'], {'/big1': None, lost(ino['/big1']): (was['/big1'][0], '', 1, ino['/big1'])})
def no_parts():
    for s in range(3):
        if s != home('/d0'):
            c.plant('unholder', ino['/d0'], s)
check('a directory that does not know where its entries are', no_parts, ['directory-part-unknown'], {})
check('a directory without an inode', lambda: c.plant('losedir', ino['/d1']), ['directory-without-inode'],
      links(0, '/d1') | {'/d1': ('drwx------', *was['/d1'][1:])})
check('a directory that takes another one for its parent', lambda: c.plant('parent', ino['/d1/sub'], ino['/d2']),
      ['directory-parent'], {})

def stray_chunks():
    n = (home('/big0') << 48) + 0x12345
    for s, d in enumerate(dirs):
        if s != home('/big0'):
            os.makedirs(os.path.dirname(data_file(d, n)), exist_ok=True)
            shutil.copy(data_file(d, ino['/big0']), data_file(d, n))
check('chunks without a file', stray_chunks, ['chunk-without-owner'], {})

# one shard is not here
copy_back()
for s in range(3):
    r = call(run, 'benchfs', 'fsck', '--json', *[d for n, d in enumerate(dirs) if n != s])
    told = json.loads(r.stdout)
    if told['defects'] or told['shards_missing'] != 1 or not told['unchecked']:
        sys.exit(f'without shard {s}: {told}')
r = call(run, 'benchfs', 'fsck', '--repair', dirs[0], ok=(8,))
if 'needs the data directories of all 3' not in r.stderr:
    sys.exit(r.stderr)
