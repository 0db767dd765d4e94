# Defects of one daemon's directory.
import os, shutil, sys
sys.path.insert(0, os.environ['srcdir'] + '/tests/fsck')
from fsck import *

c = Cluster(1)
c.start()
c.inside("""
os.makedirs(D + '/a/sub')
for n in ('a/f1', 'a/f2', 'a/sub/g', 'h1'):
    open(D + '/' + n, 'w').write('content of ' + n)
os.setxattr(D + '/a/f1', 'user.x', b'value')
os.link(D + '/h1', D + '/a/h2')
os.symlink('there', D + '/link')
os.mkfifo(D + '/fifo')
os.mkdir(D + '/empty')
""")
was = c.look()
c.stop()
os.rename(data, kept)
ino = {p: v[3] for p, v in was.items()}
under = lambda top: {p: v for p, v in was.items() if p == top or p.startswith(top + '/')}

def moved(top):
    to = lost(ino[top])
    out = {p: None for p in under(top)}
    out.update({to + p[len(top):]: v for p, v in under(top).items()})
    return out

def check(name, plant, kinds, want, lost_dir='/lost+found'):
    case(c, name, plant, kinds, was, want, lost_dir)

def fewer(path, n, mode=None):
    m, has, links, i = was[path]
    return (mode or m, has, links + n, i)

# nothing is wrong
copy_back()
before = state(data)
for more in [], ['--repair']:
    status, told = c.fsck(*more)
    if status or told['defects'] or told['inodes'] != 10 or told['entries'] != 10 or told['data_files'] != 5:
        sys.exit(f'nothing is wrong: {status}, {told}')
    if state(data) != before:
        sys.exit(f'{more} changed what is right')

check('a name without an inode', lambda: c.plant('uninode', ino['/link']),
      ['entry-without-inode'], {'/link': None})
check('a name without an inode, and its data',
      lambda: (c.plant('uninode', ino['/h1']), os.unlink(data_file(data, ino['/h1']))),
      ['entry-without-inode'], {'/h1': None, '/a/h2': None})
check('a file without an inode', lambda: c.plant('uninode', ino['/a/f2']),
      ['file-without-inode'], {'/a/f2': fewer('/a/f2', 0, '-rw-------')})
check('a file without an inode, of two names', lambda: c.plant('uninode', ino['/h1']),
      ['file-without-inode'], {'/h1': fewer('/h1', 0, '-rw-------'), '/a/h2': fewer('/h1', 0, '-rw-------')})
check('an inode without a name', lambda: c.plant('unentry', ino['/a'], 'f1'),
      ['inode-without-entry'], moved('/a/f1'))
check('a directory without a name', lambda: c.plant('unentry', ROOT, 'a'),
      ['inode-without-entry', 'directory-count'], {**moved('/a'), '/': fewer('/', -1)})
check('a name too few', lambda: c.plant('unentry', ino['/a'], 'h2'),
      ['link-count'], {'/a/h2': None, '/h1': fewer('/h1', -1)})
check('a wrong number of links', lambda: c.plant('nlink', ino['/h1'], 5), ['link-count'], {})
check('no links at all', lambda: c.plant('nlink', ino['/a/f1'], 0), ['link-count'], {})
check('a wrong number of subdirectories', lambda: c.plant('nlink', ino['/a'], 9), ['directory-count'], {})
check('a directory without an inode', lambda: c.plant('losedir', ino['/a']),
      ['directory-without-inode'], {'/a': fewer('/a', 0, 'drwx------')})
check('an empty directory without an inode', lambda: c.plant('uninode', ino['/empty']),
      ['entry-without-inode'], {'/empty': None, '/': fewer('/', -1)})
check('two names of a directory',
      lambda: (c.plant('entry', ino['/empty'], 'a2', ino['/a'], DIR), c.plant('parent', ino['/a'], ROOT)),
      ['directory-names'], {})
check('a directory that takes another one for its parent',
      lambda: c.plant('parent', ino['/a/sub'], ROOT), ['directory-parent'], {})
check('a circle', lambda: (c.plant('unentry', ROOT, 'a'), c.plant('entry', ino['/a/sub'], 'up', ino['/a'], DIR)),
      ['directory-cycle', 'directory-count'], {**moved('/a'), '/': fewer('/', -1)})
check('the top in itself', lambda: c.plant('entry', ino['/a'], 'top', ROOT, DIR), ['directory-names'], {})
check('another type', lambda: c.plant('type', ROOT, 'link', FILE), ['entry-type'], {})
check('attributes without an inode', lambda: c.plant('xattr', 0x777), ['attributes-without-inode'], {})
check('a file without data', lambda: os.unlink(data_file(data, ino['/a/f2'])), ['inode-without-data'],
      {'/a/f2': None, lost(ino['/a/f2']): ('-rw-r--r--', '', 1, ino['/a/f2'])})
check('one of two names without data', lambda: os.unlink(data_file(data, ino['/h1'])), ['inode-without-data'],
      {'/h1': None, '/a/h2': None, lost(ino['/h1']): ('-rw-r--r--', '', 1, ino['/h1'])})
check('a fifo without data', lambda: os.unlink(data_file(data, ino['/fifo'])), ['fifo-without-data'], {})

def stray(n):
    os.makedirs(os.path.dirname(data_file(data, n)), exist_ok=True)
    shutil.copy(data_file(data, ino['/a/f1']), data_file(data, n))
for n in 0x12345, 0xffffff12345:
    check(f'data without an inode, {n:x}', lambda: stray(n), ['data-without-inode'],
          {lost(n): ('-rw-------', 'content of a/f1', 1, n)})
check('a file in the way of lost+found',
      lambda: (c.plant('entry', ROOT, 'lost+found', ino['/h1'], FILE), c.plant('nlink', ino['/h1'], 3),
               c.plant('unentry', ino['/a'], 'f1')),
      ['inode-without-entry'],
      {**{p: fewer('/h1', 1) for p in ('/h1', '/a/h2', '/lost+found')},
       '/a/f1': None, lost(ino['/a/f1']).replace('found/', 'found.1/'): was['/a/f1']},
      '/lost+found.1')

# what a start frees is no defect
copy_back()
n = 0x54321
os.makedirs(os.path.dirname(data_file(data, n)), exist_ok=True)
open(data_file(data, n), 'w').close()
status, told = c.fsck()
if status:
    sys.exit(f'an empty file that was never named: {told}')
