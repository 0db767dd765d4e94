#!/bin/sh
# An idle daemon and an idle client use no CPU.
. "${0%/*}/lib.sh"
requires "$PY"

cat >"$T/idle.py" <<'END'
import os, sys, time
D = sys.argv[1]
daemon = open(os.environ['BENCHFS_RUN_DIR'] + '/pid').read().strip()

def ticks(pid):
    f = open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()
    return int(f[11]) + int(f[12])

keep = [open(f'{D}/f{i}', 'w+') for i in range(20)]
for i in range(200):
    os.stat(f'{D}/f{i % 20}')
child = os.fork()
if not child:  # a client that was connected and sleeps
    os.listdir(D)
    time.sleep(100)
    os._exit(0)
for i in range(20):  # on a busy machine it takes a while until all sleep
    before = ticks(daemon), ticks('self')
    time.sleep(1)
    after = ticks(daemon), ticks('self')
    used = [b - a for a, b in zip(before, after)]
    if max(used) <= 1:
        break
os.kill(child, 9)
if max(used) > 1:
    sys.exit(f'ticks of an idle second: daemon {used[0]}, client {used[1]}')
threads = len(os.listdir(f'/proc/{daemon}/task'))
print(f'daemon: {used[0]} ticks, {threads} threads')
END
bfs "$PY" "$T/idle.py" "$mnt" || fail "status $?"
