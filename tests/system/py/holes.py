# Run by holes.sh.
import ctypes, errno, os
os.chdir(os.environ['D'])
libc = ctypes.CDLL(None, use_errno=True)
fd = os.open('f', os.O_RDWR | os.O_CREAT, 0o644)

def falloc(mode, off, length):
    rc = libc.fallocate(fd, mode, ctypes.c_long(off), ctypes.c_long(length))
    e = errno.errorcode[ctypes.get_errno()] if rc else 'ok'
    print('fallocate', mode, off, length, e, os.fstat(fd).st_size)

def zeros(off, n):
    return os.pread(fd, n, off) == bytes(n)

print(os.read(fd, 10), os.pread(fd, 10, 1000), os.fstat(fd).st_size)
os.pwrite(fd, b'end', 10_000_000)
print(os.fstat(fd).st_size, zeros(0, 65536), zeros(9_990_000, 10_000), os.pread(fd, 10, 9_999_999))
print(os.fstat(fd).st_blocks * 512 < 1_000_000, os.pread(fd, 10, 10_000_003), os.pread(fd, 10, 1 << 40))
print(os.lseek(fd, 0, os.SEEK_DATA) > 1 << 20, os.lseek(fd, 0, os.SEEK_HOLE), os.lseek(fd, 0, os.SEEK_END))
os.ftruncate(fd, 5000)
os.pwrite(fd, b'x' * 5000, 0)
os.ftruncate(fd, 100)
os.ftruncate(fd, 5000)
print(os.pread(fd, 5, 98), zeros(100, 4900), os.fstat(fd).st_size)
os.pwrite(fd, b'y' * 20, 5_100)
print(zeros(5000, 100), os.fstat(fd).st_size)
falloc(0, 0, 300_000)
print(zeros(5_120, 290_000), os.fstat(fd).st_blocks * 512 >= 300_000)
falloc(1, 0, 1_000_000)  # KEEP_SIZE
falloc(3, 4096, 4096)  # PUNCH_HOLE
print(zeros(4096, 4096))
falloc(2, 0, 4096), falloc(0, -1, 10), falloc(0, 0, 0)
w = os.open('f', os.O_RDONLY)
print(libc.fallocate(w, 0, ctypes.c_long(0), ctypes.c_long(10)), errno.errorcode[ctypes.get_errno()])
os.posix_fallocate(fd, 400_000, 10)
print(os.fstat(fd).st_size, os.preadv(fd, [bytearray(10), bytearray(10)], os.fstat(fd).st_size - 15))
for path, size in ('f', -1), ('none', 1), ('.', 1), ('f', 0):
    try:
        os.truncate(path, size)
        print(path, size, os.stat(path).st_size)
    except OSError as e:
        print(path, size, e.strerror)
os.ftruncate(fd, 1 << 40)
print(os.fstat(fd).st_size, os.pread(fd, 3, (1 << 40) - 5), os.pread(fd, 9, (1 << 40) - 5))
os.ftruncate(fd, 0)
print(os.pwrite(fd, b'', 500), os.fstat(fd).st_size)
