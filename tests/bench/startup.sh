#!/bin/sh
# What the preload library costs a program at its start: /usr/bin/true with and
# without it, in turns; and what a stat of a file in BenchFS costs from start to
# end.  Prints medians; the goals are 0.2 ms and 1 ms.
#   tests/bench/startup.sh [ROUNDS]
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
builddir=${builddir:-$here}
py=/usr/bin/python3
[ -x $py ] || py=python3

# a daemon to use from outside, so that "without" is really without
T=$(mktemp -d)
mkfifo "$T/stop"
"$builddir/run" benchfs run -m /benchfs -- sh -c '
	echo x >/benchfs/f; env | grep -e ^LD_PRELOAD= -e ^BENCHFS_ >"$1/env"
	mv "$1/env" "$1/ready"; read -r x <"$1/stop" || :' x "$T" &
trap ': >"$T/stop"; wait; rm -rf "$T"' EXIT
until [ -f "$T/ready" ]; do
	kill -0 $! || exit
	sleep 0.05
done
"$py" - "$T" "${1:-300}" <<'END'
import os, statistics, sys, time
dir, rounds = sys.argv[1], int(sys.argv[2])
plain = dict(os.environ)
ours = dict(plain)
for line in open(f'{dir}/ready'):
    key, value = line.rstrip('\n').split('=', 1)
    ours[key] = value

def once(argv, env):
    start = time.perf_counter_ns()
    pid = os.posix_spawn(argv[0], argv, env)
    status = os.waitpid(pid, 0)[1]
    took = (time.perf_counter_ns() - start) / 1e6
    if status:
        sys.exit(f'{argv}: status {status}')
    return took

cases = {
    'true, without': (['/usr/bin/true'], plain),
    'true, preloaded': (['/usr/bin/true'], ours),
    'stat, real file': (['/usr/bin/stat', f'{dir}/ready'], plain),
    'stat, BenchFS': (['/usr/bin/stat', '/benchfs/f'], ours),
}
null = os.open('/dev/null', os.O_WRONLY)
out = os.dup(1)
os.dup2(null, 1)
times = {k: [] for k in cases}
for i in range(rounds):
    for name, (argv, env) in cases.items():
        times[name].append(once(argv, env))
os.dup2(out, 1)
med = {k: statistics.median(v) for k, v in times.items()}
for k, v in med.items():
    print(f'{k:18} {v:7.3f} ms')
for a, b, goal in ('true, without', 'true, preloaded', 0.2), ('stat, real file', 'stat, BenchFS', 1.0):
    print(f'{b} - {a}: {med[b] - med[a]:+.3f} ms ({med[b] / med[a]:.2f} x), goal {goal} ms')
END
