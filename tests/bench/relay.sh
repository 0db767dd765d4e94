#!/bin/sh
# From how many bytes on is a UCX of its own worth it for a program whose data
# lies on another node?  dd of N MiB from start to end, on one of two nodes with
# a daemon each, from and to a file at the other: through its node's daemon (the
# relay), and by a way of its own from the second call on (network.direct_after),
# in turns.  Medians, and the ratio of relay to UCX: above 1 UCX is faster.  Root
# only (nodes are namespaces).
#   tests/bench/relay.sh [ROUNDS]
. "${0%/*}/../cluster/lib.sh"
rounds=${1:-9}
cluster 2 1 -o storage.placement=local
on 2 dd if=/dev/zero of="$mnt/f" bs=1M count=256 status=none
on 1 cmp -n 1000 "$mnt/f" /dev/zero
cat >"$T/measure.py" <<'END'
import os, statistics, sys, time
mnt, nodes, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])

def environment(of, more):
    env = dict(os.environ)
    for line in open(f'{nodes}/env.{of}'):
        for word in line.split(';'):
            word = word.strip()
            if word.startswith('export '):
                key, value = word[7:].split('=', 1)
                env[key] = value.strip("'")
    env.update(more)
    return env

ways = {'relay': environment(1, {'BENCHFS_DIRECT_AFTER': '0'}), 'ucx': environment(1, {'BENCHFS_DIRECT_AFTER': '1'})}

def once(args, env):
    start = time.perf_counter()
    pid = os.posix_spawn('/usr/bin/dd', ['dd', 'status=none', *args], env)
    if os.waitpid(pid, 0)[1]:
        sys.exit(f'dd {args} has failed')
    return (time.perf_counter() - start) * 1000

print(f'load {os.getloadavg()[0]:.1f}; medians of dd from start to end, in ms')
print('{:>9}  {:>8} {:>8} {:>6}  {:>8} {:>8} {:>6}'.format(
    'MiB', 'read: relay', 'ucx', 'ratio', 'write: relay', 'ucx', 'ratio'))
for kib in 4, 64, 256, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144:
    bs = min(kib, 1024)
    size = [f'bs={bs}k', f'count={kib // bs}']
    line = f'{kib / 1024:9.3f}'
    for way in (['if=' + mnt + '/f', 'of=/dev/null'],
                ['if=/dev/zero', 'of=' + mnt + '/f', 'conv=notrunc']):
        times = {w: [] for w in ways}
        for _ in range(max(3, rounds if kib < 65536 else rounds // 3)):
            for w, env in ways.items():
                times[w].append(once(size + way, env))
        a, b = (statistics.median(times[w]) for w in ('relay', 'ucx'))
        line += f'  {a:11.2f} {b:8.2f} {a / b:6.2f}'
    print(line, flush=True)
END
node 1 "$builddir/run" "$PY" "$T/measure.py" "$mnt" "$BFS_NODES" "$rounds"
