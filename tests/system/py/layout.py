# Run by layout.sh: what the attributes do, and that benchfs layout tells it.
import errno, json, os, subprocess, sys
D, daemons, apart = sys.argv[1], int(sys.argv[2]), sys.argv[3] == 'apart'
PLACEMENT, CHUNK = 'user.benchfs.placement', 'user.benchfs.chunk_size'
DEFAULT = 'stripe' if apart else 'whole'  # auto
mount = os.path.dirname(D)
os.mkdir(D)
os.chdir(D)

def layout(*paths):
    out = subprocess.run(['benchfs', 'layout', '--json', *(os.path.join(D, p) for p in paths)],
                         stdout=subprocess.PIPE, check=True).stdout
    return json.loads(out)

def one(path):
    return layout(path)[0]

def fails(e, f, *args):
    try:
        f(*args)
    except OSError as x:
        assert x.errno == e, (f, args, x)
    else:
        raise AssertionError((f, args, 'did not fail'))

def make(path, data=b''):
    with open(path, 'wb') as f:
        f.write(data)

# Nothing is set, so nothing shows.
os.mkdir('a')
was = one('a')
assert was['placement'] == DEFAULT and was['chunk_size'] == 4 << 20, was
assert not was['placement_set'] and not was['chunk_size_set']
assert os.listxattr('a') == []
fails(errno.ENODATA, os.getxattr, 'a', PLACEMENT)
fails(errno.ENODATA, os.removexattr, 'a', CHUNK)
# Values.
for v in b'', b'x', b'Local', b'local ', b'local\0', b'stripes', b'1':
    fails(errno.EINVAL, os.setxattr, 'a', PLACEMENT, v)
for v in b'', b'0', b'3', b'65535', b'65537', b'32K', b'2G', b'-64K', b'64KB', b' 64K', b'64K ', b'18446744073709617152', b'99999999999999999999':
    fails(errno.EINVAL, os.setxattr, 'a', CHUNK, v)
for n in 'user.benchfs.', 'user.benchfs.placements', 'user.benchfs.chunksize':
    fails(errno.EINVAL, os.setxattr, 'a', n, b'1')
for text, value in (b'64K', 1 << 16), (b'65536', 1 << 16), (b'1M', 1 << 20), (b'1G', 1 << 30), (b'64kiB', 1 << 16):
    os.setxattr('a', CHUNK, text)
    assert os.getxattr('a', CHUNK) == b'%d' % value
    assert one('a')['chunk_size'] == value and one('a')['chunk_size_set']
assert os.listxattr('a') == [CHUNK]
fails(errno.EEXIST, os.setxattr, 'a', CHUNK, b'1M', os.XATTR_CREATE)
fails(errno.ENODATA, os.setxattr, 'a', PLACEMENT, b'local', os.XATTR_REPLACE)
os.setxattr('a', PLACEMENT, b'stripe', os.XATTR_CREATE)
os.setxattr('a', PLACEMENT, b'stripe', os.XATTR_REPLACE)
os.setxattr('a', 'user.other', b'1')
assert sorted(os.listxattr('a')) == sorted([CHUNK, PLACEMENT, 'user.other'])
# What is made has it from then on, without being marked; what there was does not.
make('a/f')
os.mkdir('a/d')
os.mkdir('a/d/d')
make('a/d/d/f', b'x' * (3 * 65536 + 1))
for p in 'a/f', 'a/d', 'a/d/d', 'a/d/d/f':
    l = one(p)
    assert l['placement'] == 'stripe' and l['chunk_size'] == 1 << 16, l
    assert not l['placement_set'] and not l['chunk_size_set'] and os.listxattr(p) == []
os.setxattr('a', PLACEMENT, b'whole')
make('a/g')
assert one('a/f')['placement'] == 'stripe' and one('a/g')['placement'] == 'whole'
assert one('a/d')['placement'] == 'stripe'
# Where the data is.
l = one('a/d/d/f')
if daemons > 1:
    home = l['inode']['shard']
    assert l['striped'] and l['size'] == 3 * 65536 + 1
    assert [d['shard'] for d in l['data']] == [(home + n) % daemons for n in range(min(4, daemons))], l
    assert sum(d['chunks'] for d in l['data']) == 4
    assert l['data'][0]['chunks'] == (4 + daemons - 1) // daemons
    assert all(d['step'] == daemons and d['first_chunk'] == n for n, d in enumerate(l['data']))
else:
    assert not l['striped'] and [d['shard'] for d in l['data']] == [0]
assert l['inode_number'] == os.stat('a/d/d/f').st_ino
assert l['inode_number'] >> 48 == l['inode']['shard']
# A file, while it is empty and nobody has it open.
make('file')
os.setxattr('file', PLACEMENT, b'stripe')
os.setxattr('file', CHUNK, b'128K')
assert one('file')['placement'] == 'stripe' and one('file')['placement_set']
with open('file', 'r+b') as f:
    fails(errno.EBUSY, os.setxattr, 'file', CHUNK, b'64K')
    fails(errno.EBUSY, os.setxattr, f.fileno(), PLACEMENT, b'whole')
    os.setxattr(f.fileno(), CHUNK, b'128K') # no change
    f.write(b'data')
fails(errno.EBUSY, os.setxattr, 'file', CHUNK, b'64K')
os.removexattr('file', CHUNK)
assert one('file')['chunk_size'] == 128 << 10 and os.listxattr('file') == [PLACEMENT]
assert open('file', 'rb').read() == b'data'
os.symlink('file', 'link')
fails(errno.EPERM, lambda: os.setxattr('link', PLACEMENT, b'local', follow_symlinks=False))
assert one('link')['inode_number'] == os.lstat('link').st_ino
# Taken away, a directory is like the one that it is in.
os.removexattr('a', PLACEMENT)
os.removexattr('a', CHUNK)
assert one('a')['placement'] == DEFAULT and one('a')['chunk_size'] == 4 << 20
assert os.listxattr('a') == ['user.other']
os.setxattr(D, CHUNK, b'256K')
os.mkdir('b')
os.setxattr('b', CHUNK, b'64K')
os.removexattr('b', CHUNK)
assert one('b')['chunk_size'] == 256 << 10
# cp -a keeps what was set, of directories and of files that are like theirs.
os.setxattr('b', PLACEMENT, b'local')
make('b/f', b'1')
subprocess.run(['cp', '-a', 'b', 'c'], check=True)
assert os.getxattr('c', PLACEMENT) == b'local' and one('c')['placement'] == 'local'
assert os.listxattr('c/f') == [] and open('c/f').read() == '1'
# Local: with one daemon on each node the inode is here; else with its entry.
nodes = set()
for n in range(60):
    p = f'b/l{n}'
    make(p, b'local')
    l = one(p)
    nodes.add(l['inode']['shard'])
    if not apart:
        assert l['inode']['shard'] == l['entry']['shard']
    assert not l['striped'] and [d['shard'] for d in l['data']] == [l['inode']['shard']]
    assert l['inode_number'] == os.stat(p).st_ino and open(p).read() == 'local'
assert len(nodes) == (1 if apart else daemons), nodes
fails(errno.EEXIST, os.open, 'b/l0', os.O_CREAT | os.O_EXCL)
assert sorted(os.listdir('b')) == sorted([f'l{n}' for n in range(60)] + ['f'])
os.rename('b/l0', 'b/l1')
os.link('b/l1', 'b/l0')
assert os.stat('b/l0').st_nlink == 2
for n in range(60):
    os.unlink(f'b/l{n}')
assert os.listdir('b') == ['f']
# The top: no entry.
assert 'entry' not in layout(mount)[0]
assert 'entry' in layout('a')[0] and len(layout('a', 'b')) == 2
