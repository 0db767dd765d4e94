#!/bin/sh
# A program that inherits data files and has no other business in BenchFS need
# not connect: it is started as quickly as without.  What it does is right all
# the same, also for who inherits from it, and when there is no daemon.
. "${0%/*}/lib.sh"
requires "$PY"
[ "${BENCHFS_TRANSPORT:-}" != ucx ] || skip "nothing is passed through"
[ -z "$far" ] || skip "not all files are passed through"

cat >"$T/inherit.py" <<'END'
# not in its working directory: a shell asks where that is
import json, os, subprocess, sys
top = sys.argv[1] + '/'

def sessions():
    return json.loads(subprocess.check_output(['benchfs', 'status', '--json']))['sessions']

def run(*args, **files):
    return subprocess.run(args, check=True, **files)

open(top + 'in', 'w').write('one\ntwo\n')
rounds = 5
own = -sessions() + sessions()  # what it takes to ask
before = sessions()
for i in range(rounds):
    with open(top + 'in') as f, open(top + 'out', 'w') as g:
        run('true', stdin=f, stdout=g, stderr=g)
        run('sh', '-c', 'read x; echo "$x"; sh -c "read x; echo \\$x"', stdin=f, stdout=g)
    got = open(top + 'out').read()
    if got != 'one\ntwo\n':
        sys.exit(f'read and written: {got!r}')
after = sessions() - own
if after != before:
    sys.exit(f'{after - before} sessions for {rounds} rounds')

# what asks for more, gets it
out = open(top + 'out', 'r+')
want = os.fstat(out.fileno())
got = run('stat', '-L', '-c', '%i %s %h', '/dev/stdin', stdin=out, capture_output=True, text=True).stdout.split()
if [int(x) for x in got] != [want.st_ino, want.st_size, want.st_nlink]:
    sys.exit(f'stat: {got}, not {want}')
run('sh', '-c', 'exec 5<&0; flock -n 5 && exec sh -c "exec 6<&5 5<&-; cat <&6 >\\$1copy" sh $0', top, stdin=out)
if open(top + 'copy').read() != 'one\ntwo\n':
    sys.exit('copied: ' + open(top + 'copy').read())
run(sys.executable, '-c', '''
import os
os.ftruncate(0, 3), os.fsync(0), os.fchmod(0, 0o640), os.lseek(0, 1, 0)
assert os.fstat(0).st_size == 3 and os.read(0, 9) == b"ne", os.fstat(0)
os.dup2(0, 7), os.close(0)
assert os.readlink('/proc/self/fd/7').endswith('/out'), os.readlink('/proc/self/fd/7')
''', stdin=out)
if os.stat(top + 'out').st_mode & 0o777 != 0o640 or out.seek(0, 1) != 3:
    sys.exit(f'{os.stat(top + "out")} {out.tell()}')
END
bfs "$PY" "$T/inherit.py" "$mnt" || fail "$?"
