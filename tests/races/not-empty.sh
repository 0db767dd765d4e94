#!/bin/sh
# Defects of a comparable file system: rmdir of a directory with entries on
# two servers killed a daemon.  Here it is ENOTEMPTY, wherever the only entry
# lies, and all goes on.
. "${0%/*}/races.sh"
requires "$PY"

cat >"$T/rmdir.py" <<'END'
import errno, os, sys
os.chdir(sys.argv[1])

def refused(f, *args):
    try:
        f(*args)
    except OSError as e:
        assert e.errno in (errno.ENOTEMPTY, errno.EEXIST), e
        return
    sys.exit(f'{f.__name__} {args}: not refused')

def check(names, make, remove):
    os.mkdir('d')
    os.mkdir('other')
    for n in names:
        make(f'd/{n}')
    refused(os.rmdir, 'd')
    refused(os.rename, 'other', 'd')
    assert sorted(os.listdir('d')) == sorted(names)
    for n in names:
        refused(os.rmdir, 'd')
        remove(f'd/{n}')
    os.rename('other', 'd')
    os.rmdir('d')
    try:
        os.rmdir('d')
    except FileNotFoundError:
        return
    sys.exit('removed twice')

def touch(path):
    open(path, 'x').close()

check([f'n{i}' for i in range(100)], touch, os.unlink)
check([f'n{i}' for i in range(100)], os.mkdir, os.rmdir)
for i in range(50):
    check([f'only{i}'], touch, os.unlink)
    check([f'only{i}'], os.mkdir, os.rmdir)
END
crew "$PY" "$T/rmdir.py" "$dir"
