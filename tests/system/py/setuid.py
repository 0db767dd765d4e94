# Run by permissions.sh.
# the identity may change within a process; descriptors keep their rights
import os
os.chdir(os.environ['D'])
open('secret', 'w').write('secret')
os.chmod('secret', 0o600)
open('late', 'w').write('late')
os.chmod('late', 0o040)
os.chown('late', 0, 3000)
fd = os.open('secret', os.O_RDWR)

def can(name):
    try:
        return open(name).read()
    except OSError as e:
        return e.strerror

print(can('secret'))
os.seteuid(1000)
print(can('secret'), os.pread(fd, 9, 0), os.pwrite(fd, b'S', 0), os.access('secret', os.R_OK))
try:
    os.fchmod(fd, 0o777)
except OSError as e:
    print(e.strerror)
os.seteuid(0)
print(can('secret'))
if not os.fork():
    os.setgroups([3000])
    os.setresgid(1000, 1000, 1000)
    os.setresuid(1000, 1000, 1000)
    print(can('late'), can('secret'))
    os._exit(0)
os.wait()
if not os.fork():
    os.setgroups([])
    os.setgid(1000)
    os.setuid(1000)
    print(can('late'), os.stat('late').st_gid)
    os._exit(0)
os.wait()
print(can('late'))
