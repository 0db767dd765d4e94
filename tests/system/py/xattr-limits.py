# Run by xattr.sh.
# what depends on the file system: here the limits are those of Linux
import errno, os
os.chdir(os.environ['D'])
open('f', 'w').close()
os.setxattr('f', 'user.big', b'x' * 65536)
assert os.getxattr('f', 'user.big') == b'x' * 65536
os.setxattr('f', 'user.big', b'small')
assert os.getxattr('f', 'user.big') == b'small'
for name in 'system.posix_acl_access', 'system.posix_acl_default':
    try:
        os.setxattr('f', name, b'\2\0\0\0')
        assert False, name
    except OSError as e:
        assert e.errno == errno.EOPNOTSUPP, e
n = 0
try:
    for n in range(400):
        os.setxattr('f', f'user.{n:0200}', b'')
    assert False, 'a list of more than 64 KiB'
except OSError as e:
    assert e.errno in (errno.ENOSPC, errno.E2BIG), e
assert len(os.listxattr('f')) == n + 1 > 300
