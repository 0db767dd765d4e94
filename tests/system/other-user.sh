#!/bin/sh
# S6, F3: a descriptor that was opened as one user and is used by a program executed as another one goes on to mean the same
# file, however long that takes and whatever is opened meanwhile.
. "${0%/*}/lib.sh"
requires "$PY"
requires_root

printf 'auth: { allow_users = "*"; };\n' >"$T/conf"
cat >"$T/as-user.py" <<'END'
import os, sys, time

top = sys.argv[1]
if sys.argv[2] == 'root':
    os.mkdir(top + '/u', 0o777)
    os.chmod(top + '/u', 0o777)
    # the first one is closed before others are opened: its place is looked at first
    fds = [os.open(top, os.O_RDONLY), os.open(top + '/file', os.O_CREAT | os.O_RDWR, 0o600),
           os.open(top + '/u', os.O_RDONLY | os.O_DIRECTORY)]
    for fd in fds:
        os.set_inheritable(fd, True)
    os.setgroups([])
    os.setresgid(1000, 1000, 1000)
    os.setresuid(1000, 1000, 1000)
    os.execv(sys.executable, [sys.executable, __file__, top, 'user'] + [str(fd) for fd in fds])
first, file, dir = [int(a) for a in sys.argv[3:]]
# longer than the daemon needs to find a record dead
end = time.monotonic() + 4
n = 0
while time.monotonic() < end:
    for _ in range(20):
        n += 1
        with open('%s/u/%d' % (top, n), 'w') as f:
            f.write('theirs')
    time.sleep(0.05)
os.close(first)
others = []
for _ in range(10):
    n += 1
    others.append(open('%s/u/%d' % (top, n), 'w'))
    others[-1].write('theirs')
os.write(file, b'ours')
for f in others:
    f.close()
assert os.fstat(file).st_size == 4, os.fstat(file)
assert sorted(os.listdir(dir), key=int) == [str(i + 1) for i in range(n)]
for i in range(n):
    assert open('%s/u/%d' % (top, i + 1)).read() == 'theirs', i
os.lseek(file, 0, 0)
assert os.read(file, 10) == b'ours'
END
run_options="$run_options -c $T/conf"
bfs "$PY" "$T/as-user.py" "$mnt" root || fail "passed through"
run_options="$run_options -o storage.max_storage_gb=2"
bfs "$PY" "$T/as-user.py" "$mnt" root || fail "with a space limit"
