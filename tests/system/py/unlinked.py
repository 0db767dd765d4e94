# Run by unlinked.sh.
import os
os.chdir(os.environ['D'])
fd = os.open('f', os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
os.write(fd, b'before ')
dup = os.dup(fd)
os.unlink('f')
print(os.path.exists('f'), os.fstat(fd).st_nlink)
os.write(dup, b'after')
os.close(fd)
print(os.pread(dup, 100, 0), os.fstat(dup).st_size)
open('f', 'w').write('another')  # the name is free
print(os.pread(dup, 100, 0))
pid = os.fork()
if not pid:
    os.write(dup, b' child')
    os._exit(0)
os.waitpid(pid, 0)
os.ftruncate(dup, 18)
print(os.pread(dup, 100, 0), open('f').read())
os.fchmod(dup, 0o600)
os.utime(dup, (1, 2))
print(oct(os.fstat(dup).st_mode), os.fstat(dup).st_mtime)
try:
    os.link(f'/proc/self/fd/{dup}', 'back', follow_symlinks=True)
    print('linked')
except OSError as e:
    print('not linked')
a = os.open('g', os.O_RDWR | os.O_CREAT)
os.write(a, b'old')
b = os.open('new', os.O_RDWR | os.O_CREAT)
os.rename('new', 'g')  # unlinked by rename
print(os.fstat(a).st_nlink, os.fstat(b).st_nlink, os.pread(a, 9, 0))
d = os.open('.', os.O_RDONLY)
os.mkdir('dir')
d = os.open('dir', os.O_RDONLY)
os.rmdir('dir')
print(os.fstat(d).st_nlink, os.listdir(d))
try:
    os.open('x', os.O_CREAT | os.O_WRONLY, dir_fd=d)
except OSError as e:
    print(e.strerror)
