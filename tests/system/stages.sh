#!/bin/sh
# node.stage_times: what a call costs is counted where it is spent, and nothing
# is while it is off.
. "${0%/*}/lib.sh"
requires "$PY"
[ "$daemons" = 1 ] || skip "the counters of one daemon"

cat >"$T/stages.py" <<'END'
import json, os, subprocess, sys, time
top, wanted, limited = sys.argv[1] + '/', sys.argv[2] == 'true', sys.argv[3] == 'limit'
names = ('calls', 'queue', 'handler', 'storage', 'reply', 'journal')
call = ['benchfs', 'status', '--json']

def stages():
    s = json.loads(subprocess.check_output(call))
    return {n: s['stage_' + n] for n in names} | {'requests': s['requests']}

f = os.open(top + 'f', os.O_RDWR | os.O_CREAT)
before, begun = stages(), time.monotonic_ns()
for i in range(300):
    os.mkdir(f'{top}d{i}')
    os.stat(f'{top}d{i}')
    os.pwrite(f, b'x' * 100000, i * 100000)
took, after = time.monotonic_ns() - begun, stages()
d = {n: after[n] - before[n] for n in after}
print(d, took)
if not wanted:
    if any(after[n] for n in names):
        sys.exit(f'counted: {after}')
    sys.exit()
if d['calls'] != d['requests'] or d['calls'] < 600:
    sys.exit(f'{d["calls"]} calls timed, of {d["requests"]}')
# one daemon with one thread, and one client that waits for each call
if not 0 < d['queue'] + d['handler'] + d['reply'] < took:
    sys.exit(f'{d} in {took} ns')
if not 0 < d['journal'] <= d['reply']:
    sys.exit(f'the journal: {d}')
if limited and not 0 < d['storage'] <= d['handler']:
    sys.exit(f'storage: {d}')
END
given=$run_options
for options in "false no" "true no" "true limit"; do
	# shellcheck disable=SC2086 # two words
	set -- $options
	run_options="$given -d $T/data.$1.$2 -o node.stage_times=$1"
	[ "$2" = no ] || run_options="$run_options -o storage.max_storage_gb=1"
	bfs "$PY" "$T/stages.py" "$mnt" "$1" "$2" || fail "$options"
done
