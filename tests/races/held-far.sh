#!/bin/sh
# S5, D3: files that only a program of another node has open, unlinked before or
# after their daemon, the program's, or both are killed and started again: they
# keep their bytes until they are closed, and then their space returns.
. "${0%/*}/races.sh"
requires "$PY"
[ -z "${BENCHFS_TEST_NODE_0:-}" ] || skip "starts daemons of its own"
daemons=3
PLACEMENT=${PLACEMENT:-whole}
export BENCHFS_TEST_APART=1
. "${0%/*}/killed.sh"

cat >"$T/hold.py" <<'END'
import os, subprocess, sys, time
top, data = sys.argv[1:3]
plain = {k: v for k, v in os.environ.items() if k != 'LD_PRELOAD'}

def command(what, daemon):
    subprocess.check_call(os.environ['BENCHFS_TEST_' + what].split() +
                          [str(daemon)], env=plain, stdout=subprocess.DEVNULL)

def stored():
    n = subprocess.run(['find', data, '-regex', '.*/[0-9a-f]*', '-type', 'f'],
                       env=plain, capture_output=True, check=True).stdout
    return len(n.splitlines())

class File:
    def __init__(self, i):
        self.path = f'{top}/f{i}'
        self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        self.text = f'{i} '.encode() * 5000
        os.pwrite(self.fd, self.text, 0)
    def unlink(self):
        os.unlink(self.path)
        self.check()
    def check(self):
        st = os.fstat(self.fd)
        assert st.st_nlink == 0, (self.path, st.st_nlink)
        assert st.st_size == len(self.text), (self.path, st.st_size)
        assert os.pread(self.fd, 100000, 0) == self.text, self.path
    def change(self):
        self.text = self.text[::-1]
        assert os.pwrite(self.fd, self.text, 0) == len(self.text)

before = stored()
for round, killed in enumerate([(1,), (2,), (0,), (0, 1), (0, 1, 2)]):
    files = [File(i) for i in range(24)]
    for f in files[:12]:
        f.unlink()
    for d in killed:
        command('KILL', d)
    command('RESTART', killed[0])
    for f in files[:12]:
        f.check()
        f.change()
    for f in files[12:]:
        f.unlink()
    # what nobody has open goes within a second or two
    end = time.monotonic() + 5
    while time.monotonic() < end:
        for f in files:
            f.check()
        time.sleep(0.2)
    for f in files:
        f.change()
        f.check()
        os.close(f.fd)
    end = time.monotonic() + 60
    while stored() > before:
        assert time.monotonic() < end, f'{stored() - before} files stay'
        time.sleep(0.2)
    print(f'daemons {killed} killed: {len(files)} files kept, all gone', flush=True)
END
# words are wanted
# shellcheck disable=SC2086
$BENCHFS_TEST_NODE_0 mkdir -p "$dir"
# shellcheck disable=SC2086
timeout -k 10 "$limit" $BENCHFS_TEST_NODE_0 "$PY" "$T/hold.py" "$dir" "$T/data" ||
	fail "status $?"
