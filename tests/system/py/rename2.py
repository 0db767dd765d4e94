# Run by rename-race.sh.
import ctypes, errno, os
os.chdir(os.environ['D'])
libc = ctypes.CDLL(None, use_errno=True)

def r(a, b, flags):
    rc = libc.renameat2(-100, a.encode(), -100, b.encode(), flags)
    print(a, b, flags, errno.errorcode[ctypes.get_errno()] if rc else 'ok')

open('f', 'w').write('f')
open('g', 'w').write('g')
os.makedirs('d/e')
r('f', 'g', 1), r('f', 'new', 1), r('new', 'none', 2), r('new', 'g', 2)
r('d', 'g', 2), r('g', 'g/e/x', 2), r('g', 'g/e', 2), r('f', 'x', 3), r('new', 'x', 1 << 20)
r('d', 'd', 1), r('d', 'd', 2), r('none', 'd', 1), r('', 'd', 0), r('d', '', 0)
r('d', 'd/', 0), r('d/', 'slash/', 0), r('g/.', 'dot', 0), r('g', '..', 0), r('g', 'g/..', 0)
os.link('new', 'hard')
r('new', 'hard', 0)  # two names of one file: both stay
print(sorted(os.listdir('.')))
