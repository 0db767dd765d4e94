#!/bin/sh
# A signal that ends a run ends its clients too, also those that do not hear it
# because they wait for a daemon that does not answer.
. "${0%/*}/../system/lib.sh"
requires "$PY" setsid

cat >"$T/stuck.py" <<'END'
import os, signal, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
os.write(fd, b'text')
os.lseek(fd, 0, 0)
daemon = int(open(os.environ['BENCHFS_RUN_DIR'] + '/pid').read())
open(os.environ['T'] + '/daemon', 'w').write(str(daemon))
os.kill(daemon, signal.SIGSTOP)
while open(f'/proc/{daemon}/stat').read().rsplit(')')[1].split()[0] != 'T':
    pass
if len(sys.argv) > 3 and os.fork():  # both of them, for one offset
    os.read(fd, 4)
open(sys.argv[2], 'a').write(f'{os.getpid()}\n')
os.read(fd, 4)
END

# gone PID...: all within the time, which is less than a call may take
gone() {
	for _ in $(seq 400); do
		left=
		for p; do
			! alive "$p" || left=$p
		done
		[ -n "$left" ] || return 0
		sleep 0.1
	done
	[ ! -s "$T/daemon" ] || kill -s CONT "$(cat "$T/daemon")"
	kill -9 "$@" 2>/dev/null || :
	cat "$T/log" >&2
	fail "$what: process $left is still there"
}

# ends WHAT PROGRAM...: the program, in a process group of its own
ends() {
	what=$1
	shift
	rm -f "$T/pids" "$T/daemon"
	BENCHFS_TIMEOUT=60 setsid "$builddir/run" benchfs run -m "$mnt" \
		-o storage.max_storage_gb=1 -- "$@" >"$T/log" 2>&1 &
	wait_for "$T/pids"
	group=$(ps -o pgid= -p "$(head -n 1 "$T/pids")" | tr -d ' ')
	sleep 0.2 # it may not be in its call yet
	kill -s TERM -- "-$group"
	# word splitting is wanted
	# shellcheck disable=SC2046
	gone $(cat "$T/pids")
	# benchfs itself waits longer for a daemon that does not end
	[ ! -s "$T/daemon" ] || kill -s CONT "$(cat "$T/daemon")"
	gone "$group"
	wait || :
	check_real_is_empty "$what"
}
requires ps
ends program "$PY" "$T/stuck.py" "$mnt/f" "$T/pids"
ends child sh -c '"$@" & wait' x "$PY" "$T/stuck.py" "$mnt/f" "$T/pids"
ends two "$PY" "$T/stuck.py" "$mnt/f" "$T/pids" two
# who hears, and takes his time, is let be
cat >"$T/slow.py" <<'END'
import os, signal, sys, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
def slowly(*a):
    time.sleep(4)
    os.write(fd, b'in peace')
    open(sys.argv[3], 'w').write('end\n')
    sys.exit(7)
signal.signal(signal.SIGTERM, slowly)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGHUP])
open(sys.argv[2], 'a').write(f'{os.getpid()}\n')
time.sleep(100)
END
ends slow "$PY" "$T/slow.py" "$mnt/f" "$T/pids" "$T/ended"
[ -s "$T/ended" ] || fail "a program that ends slowly was killed"
