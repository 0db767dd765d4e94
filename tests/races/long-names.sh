#!/bin/sh
# Defects of a comparable file system: names were cut to 63 bytes on the wire,
# so that files whose names begin alike were one file.
. "${0%/*}/races.sh"
requires "$PY"

cat >"$T/names.py" <<'END'
import os, sys
os.chdir(sys.argv[1])
for length in 64, 70, 128, 255:
    head = 'n' * 63 + 'm' * (length - 65)
    names = [head[:length - 2] + f'{i:02}' for i in range(40)]
    os.mkdir('d')
    os.chdir('d')
    for n in names:
        assert len(n) == length
        fd = os.open(n, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(fd, n[-2:].encode())
        os.close(fd)
    assert len({os.stat(n).st_ino for n in names}) == 40
    for n in names:
        assert open(n).read() == n[-2:], n
    assert sorted(os.listdir('.')) == names
    for n in names[::2]:
        os.unlink(n)
        assert not os.path.exists(n)
    assert sorted(os.listdir('.')) == names[1::2]
    for a, b in zip(names[1::4], names[3::4]):
        os.rename(a, b)
        assert open(b).read() == a[-2:]
        os.mkdir(a)
        os.mkdir(os.path.join(a, b))
        os.setxattr(b, 'user.' + 'x' * 63 + a[-2:], b'1')
        os.symlink(b, b[:-1])
        assert os.readlink(b[:-1]) == b
        os.unlink(b[:-1])
        os.rmdir(os.path.join(a, b))
        os.rmdir(a)
        os.unlink(b)
    assert os.listdir('.') == []
    os.chdir('..')
    os.rmdir('d')
END
crew "$PY" "$T/names.py" "$dir"
