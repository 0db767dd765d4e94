# The names of open files, of files that have been renamed, linked and unlinked.
import os
import sys

top, what = sys.argv[1:]
N = 30


def told(path, expected):
    for how in (os.O_RDONLY, os.O_RDWR, os.O_PATH):
        fd = os.open(path, how)
        name = os.readlink('/proc/self/fd/%d' % fd)
        assert name == expected, (name, expected)
        os.close(fd)


if what == 'make':
    os.makedirs(top, exist_ok=True)
    os.mkdir(top + '/sub')
    for n in range(N):
        fd = os.open('%s/a%d' % (top, n), os.O_CREAT | os.O_WRONLY)
        os.write(fd, b'x')
        # renamed while open
        os.rename('%s/a%d' % (top, n), '%s/sub/b%d' % (top, n))
        assert os.readlink('/proc/self/fd/%d' % fd) == '%s/sub/b%d' % (top, n)
        os.close(fd)
        # two names, of which the first goes
        open('%s/c%d' % (top, n), 'w').close()
        os.link('%s/c%d' % (top, n), '%s/sub/d%d' % (top, n))
        os.unlink('%s/c%d' % (top, n))
        # over another
        open('%s/e%d' % (top, n), 'w').close()
        open('%s/f%d' % (top, n), 'w').close()
        os.rename('%s/e%d' % (top, n), '%s/f%d' % (top, n))
for n in range(N):
    for path in ('%s/sub/b%d', '%s/sub/d%d', '%s/f%d'):
        told(path % (top, n), path % (top, n))
        print(path % (top, n))
