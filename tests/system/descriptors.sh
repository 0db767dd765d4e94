#!/bin/sh
# A daemon that has no descriptor left for another client: who is there is
# served, who comes waits until others have gone, and the daemon waits as well:
# it says so once, and uses no time.
. "${0%/*}/lib.sh"
requires "$PY"
[ "$daemons" = 1 ] || skip "of one daemon"

cat >"$T/crowd.py" <<'END'
import os, subprocess, sys, time
mnt, pid, clients = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
open(mnt + '/f', 'w').write('content\n')
# is connected until it is told to end; who waits for a program that has to wait
# would wait for ever
text = 'exec 3<"$1"; read x <&3; echo "$x"; read y; echo "$y" >"$1.$2" && read z <"$1.$2" && echo "$z"'
crowd = [subprocess.Popen(['sh', '-c', text, 'sh', mnt + '/f', str(n)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) for n in range(clients)]

def used():
    t = open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()
    return (int(t[11]) + int(t[12])) / os.sysconf('SC_CLK_TCK')

def descriptors():
    return len(os.listdir(f'/proc/{pid}/fd'))

# until no more come in
have, since = 0, time.monotonic()
while time.monotonic() - since < 1:
    now = descriptors()
    if now != have:
        have, since = now, time.monotonic()
    time.sleep(0.02)
limit = int([l.split()[3] for l in open(f'/proc/{pid}/limits') if l.startswith('Max open files')][0])
assert have > limit - 40, (have, limit)
was = used()
time.sleep(2)
idle = used() - was
assert idle < 0.3, f'{idle} s of CPU while clients wait'
open(mnt + '/new', 'w').write('who is there is served\n')
assert open(mnt + '/new').read() == 'who is there is served\n'
for n, p in enumerate(crowd):
    p.stdin.write(f'word {n}\n')
    p.stdin.flush()
for n, p in enumerate(crowd):
    out, _ = p.communicate(timeout=60)
    assert not p.returncode and out == f'content\nword {n}\n', (n, p.returncode, out)
assert len(os.listdir(mnt)) == clients + 2, os.listdir(mnt)
print(f'{clients} clients, {have} of {limit} descriptors, {idle} s')
END
b() { timeout -k 10 "$limit" "$builddir/run" benchfs "$@"; }
at_exit='b stop --run-dir "$T/run/d" 2>/dev/null'
# word splitting is wanted
# shellcheck disable=SC2086
(
	# shellcheck disable=SC3045 # dash has it
	ulimit -n 96
	b start --run-dir "$T/run/d" ${BENCHFS_TEST_OPTIONS:-}
) || fail "start: $?"
(
	eval "$(b env -m "$mnt" --run-dir "$T/run/d")"
	timeout 200 "$PY" "$T/crowd.py" "$mnt" "$(cat "$T/run/d/pid")" 80
) || fail "$?: $(cat "$T/run/d/log")"
n=$(grep -c 'no descriptors for another client' "$T/run/d/log") || :
case $n in
[1-9] | 1[0-9]) ;;
*) fail "told $n times: $(cat "$T/run/d/log")" ;;
esac
