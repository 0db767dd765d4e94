#!/bin/sh
# Nothing is left behind, however a run ends: no process, no directory, nothing
# in /dev/shm, no System V segment.
. "${0%/*}/lib.sh"
requires "$PY" unshare

if [ "${1:-}" != inside ]; then
	# an own /dev/shm and IPC name space, so that nobody else's is seen
	if unshare -m -i true 2>/dev/null; then
		unshare -m -i sh -c 'mount -t tmpfs none /dev/shm && exec "$@"' \
			sh "$0" inside
		exit
	fi
	skip "may not make a mount name space"
fi

cat >"$T/program" <<'END'
echo "$BENCHFS_RUN_DIR" >"$T/run_dir"
cat "$BENCHFS_RUN_DIR/pid" >"$T/daemon"
exec 3>"$mnt/open"
seq 1000 >"$mnt/f"
echo $$ >"$T/ready"
case $1 in
end) exit 0 ;;
fail) exit 1 ;;
crash) kill -SEGV $$ ;;
kill) kill -KILL $$ ;;
background) sleep 5 & exit 0 ;;
wait) exec sleep 100 ;;
esac
END

clean() {
	[ -s "$T/daemon" ] || fail "$1: never ran: $(cat "$T/log")"
	daemon=$(cat "$T/daemon")
	for _ in $(seq 300); do
		alive "$daemon" || break
		sleep 0.1
	done
	alive "$daemon" && fail "$1: the daemon lives"
	[ ! -e "$(cat "$T/run_dir")" ] || fail "$1: the run directory is there"
	left=$(find "$XDG_RUNTIME_DIR" ! -type d)
	[ -z "$left" ] || fail "$1: left $left"
	[ -z "$(ls -A "$TMPDIR")" ] || fail "$1: TMPDIR has $(ls -A "$TMPDIR")"
	[ -z "$(ls -A /dev/shm)" ] || fail "$1: /dev/shm has $(ls -A /dev/shm)"
	[ "$(wc -l </proc/sysvipc/shm)" = 1 ] || fail "$1: $(cat /proc/sysvipc/shm)"
	check_real_is_empty "$1"
	rm -f "$T/daemon" "$T/ready"
}

for how in end fail crash kill background; do
	benchfs_run -m "$mnt" -- sh -c "ulimit -c 0; . '$T/program'" x $how \
		>"$T/log" 2>&1 || :
	clean $how
done
for sig in TERM HUP INT QUIT; do
	# a terminal's signals go to the whole group
	setsid env --default-signal sh -c "ulimit -c 0; exec \"\$@\"" x "$builddir/run" benchfs run \
		-m "$mnt" -- sh "$T/program" wait >"$T/log" 2>&1 &
	wait_for "$T/ready"
	kill -s $sig -- -$! 2>/dev/null || kill -s $sig $!
	wait $! || :
	clean "signal $sig"
done
# Ctrl-C on a real terminal
"$PY" - "$builddir/run" "$mnt" "$T/program" "$T/ready" >"$T/log" 2>&1 <<'END' || fail "Ctrl-C: $(cat "$T/log")"
import os, pty, signal, sys, time
run, mnt, program, ready = sys.argv[1:]
pid, fd = pty.fork()
if not pid:
    # who runs the tests in the background ignores it
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execl(run, run, 'benchfs', 'run', '-m', mnt, '--', 'sh', program, 'wait')
while not os.path.exists(ready) or not os.path.getsize(ready):
    time.sleep(0.02)
os.write(fd, b'\3')
end = time.monotonic() + 60
while time.monotonic() < end:
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        code = os.waitstatus_to_exitcode(status)
        sys.exit(0 if code in (130, -2) else f'status {code}')
    time.sleep(0.02)
sys.exit('no end after Ctrl-C')
END
clean "Ctrl-C"
# in the foreground of a terminal the program has it: it can read from it
"$PY" - "$builddir/run" "$mnt" >"$T/log" 2>&1 <<'END' || fail "terminal: $(cat "$T/log")"
import os, pty, sys
run, mnt = sys.argv[1:]
pid, fd = pty.fork()
if not pid:
    os.execl(run, run, 'benchfs', 'run', '-m', mnt, '--', 'sh', '-c', 'tty; read x; echo "got $x"; exit 4')
os.write(fd, b'typed\n')
out = b''
try:
    while True:
        out += os.read(fd, 1000)
except OSError:
    pass
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(0 if code == 4 and b'got typed' in out and b'/dev/pts' in out else f'{code} {out}')
END
