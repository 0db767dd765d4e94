#!/bin/sh
# Who may open the data files itself does so (BFS_OPEN_SELF); who then cannot,
# as its file system ids are others', is passed the descriptors.  Either way the
# description is the data file's, and known to be alive (S5, S6).
. "${0%/*}/lib.sh"
requires_root
requires "$PY"
[ "${BENCHFS_TRANSPORT:-}" != ucx ] || skip "nothing is passed through"
[ "$far" != checksum ] || skip "nothing is passed through"
[ "$daemons" = 1 ] || skip "what is on another daemon is passed by that one"

cat >"$T/try.py" <<'END'
import ctypes, fcntl, json, os, subprocess, sys
d, cannot, want = sys.argv[1], sys.argv[2] == "cannot", int(sys.argv[3])
def counts():
    s = json.loads(subprocess.check_output(["benchfs", "status", "--json"]))
    return s["opens_self"], s["opens_pass"]
before = counts()
os.stat(d)  # the connection is made as root
if cannot:
    ctypes.CDLL(None).setfsuid(1000)
f = os.open(d + "/f", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
g = os.open(d + "/f", os.O_WRONLY)
os.write(f, b"abc")
os.write(g, b"A")
os.write(f, b"d")
assert os.pread(f, 9, 0) == b"Abcd"
for fd in f, g:
    assert fcntl.fcntl(fd, fcntl.F_GETFD) == fcntl.FD_CLOEXEC
h = os.open(d + "/f", os.O_RDONLY)
ctypes.CDLL(None).setfsuid(0)
os.unlink(d + "/f")
os.close(f)
os.close(g)
assert os.fstat(h).st_nlink == 0 and os.read(h, 9) == b"Abcd"
assert os.listdir(d) == []
got = [b - a for a, b in zip(before, counts())]
assert got[0] == want, (cannot, got)
END
cat >"$T/both" <<'END'
mkdir "$mnt/d"
"$PY" "$T/try.py" "$mnt/d" can 3 || exit
# told so once, and then taken by the daemon's hand: counted twice
"$PY" "$T/try.py" "$mnt/d" cannot 1 || exit
END
benchfs_run -m "$mnt" -d "$T/data" -- sh "$T/both" || fail "$?"
