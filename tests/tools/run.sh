#!/bin/sh
# benchfs run: exit status, signals, and that nothing is left behind.
BENCHFS_TEST_MNT=/benchfs
. "${0%/*}/../system/lib.sh"
XDG_RUNTIME_DIR=$T/x
export XDG_RUNTIME_DIR
mkdir "$XDG_RUNTIME_DIR"

# within SECONDS COMMAND...: until it succeeds.
within() {
	left=$(($1 * 50))
	shift
	until "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.02
	done
}
nothing_left() {
	[ -z "$(find "$XDG_RUNTIME_DIR" -mindepth 1)" ]
}
clean() {
	within 60 nothing_left || fail "$1: left $(find "$XDG_RUNTIME_DIR")"
}
# gives STATUS WHAT ARGS...
gives() {
	want=$1 rc=0
	shift
	benchfs_run "$@" >"$T/out" 2>"$T/err" || rc=$?
	[ $rc = "$want" ] ||
		{ cat "$T/err"; fail "run $*: status $rc, not $want"; }
	nothing_left || fail "run $*: left $(find "$XDG_RUNTIME_DIR")"
}

gives 0 -- true
gives 0 true
gives 7 -- sh -c 'exit 7'
gives 255 -- sh -c 'exit 255'
# shellcheck disable=SC2016 # for the inner shell
gives 137 -- sh -c 'kill -9 $$'
# shellcheck disable=SC2016
gives 143 -- sh -c 'kill $$'
gives 0 -- sh -c 'echo -x -- "$1"' sh -v
[ "$(cat "$T/out")" = '-x -- -v' ] || fail "arguments: $(cat "$T/out")"

# A data directory that was named is made, and stays.
gives 0 -d "$T/data" -- sh -c "echo hello >$mnt/f"
[ -d "$T/data" ] || fail "the data directory is gone"

# A run directory that was named.
mkdir "$T/rd"
gives 0 --run-dir "$T/rd" -- true
[ "$(find "$T/rd")" = "$T/rd" ] || fail "--run-dir: $(find "$T/rd")"

# bg ARGS...: benchfs run itself in the background, not ./run's shell; signals
# are as at a prompt, where background jobs do not ignore SIGINT.
bg() {
	"$builddir/run" "$PY" -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
os.execvp("benchfs", ["benchfs", "run"] + sys.argv[1:])' "$@" &
	pid=$!
}
here() {
	[ -e "$T/here" ]
}

for sig in INT TERM HUP USR1; do
	rm -f "$T/here"
	bg -- sh -c "trap 'exit 9' $sig; : >$T/here; while :; do sleep 0.1; done"
	within 60 here || fail "the program does not start"
	kill -s $sig $pid
	rc=0
	wait $pid || rc=$?
	[ $rc = 9 ] || fail "SIG$sig: status $rc"
	nothing_left || fail "SIG$sig: left $(find "$XDG_RUNTIME_DIR")"
done

rm -f "$T/here"
bg -- sh -c "exec >/dev/null 2>&1; echo \$\$ >$T/pid; : >$T/here; exec sleep 60"
within 60 here || fail "the program does not start"
kill -s TERM $pid
rc=0
wait $pid || rc=$?
[ $rc = 143 ] || fail "killed by SIGTERM: status $rc"
clean "SIGTERM"

# benchfs itself is killed: the keeper cleans up.
rm -f "$T/here"
bg -- sh -c "exec >/dev/null 2>&1; echo \$\$ >$T/pid; : >$T/here; exec sleep 60"
within 60 here || fail "the program does not start"
daemon=$(cat "$XDG_RUNTIME_DIR"/benchfs-*/*/pid)
kill -s KILL $pid
wait $pid || :
clean "SIGKILL"
gone() {
	! kill -0 "$daemon" 2>/dev/null ||
		grep -q '^State:.*Z' "/proc/$daemon/status"
}
within 60 gone || fail "the daemon outlives benchfs"
kill "$(cat "$T/pid")"

# Two runs at once see a file system each.
bg -- sh -c "echo one >$mnt/f; : >$T/one; until [ -e $T/two ]; do sleep 0.02; done
	[ \"\$(cat $mnt/f)\" = one ]"
first=$pid
bg -- sh -c "until [ -e $T/one ]; do sleep 0.02; done
	[ ! -e $mnt/f ] || exit 1; echo two >$mnt/f; : >$T/two"
wait $pid || fail "the second of two runs sees the first"
wait "$first" || fail "the first of two runs sees the second"
clean "two runs"

# The same data directory twice: the second is refused.
rm -f "$T/here"
bg -d "$T/data" -- sh -c ": >$T/here; until [ -e $T/end ]; do sleep 0.02; done"
within 60 here || fail "the program does not start"
rc=0
benchfs_run -d "$T/data" -- true 2>"$T/err" || rc=$?
: >"$T/end"
wait $pid
[ $rc = 75 ] || { cat "$T/err"; fail "a data directory in use: status $rc"; }

# A daemon that cannot start: its last words are printed.
cat >"$T/daemon" <<'END'
#!/bin/sh
echo "last words"
exit 73
END
chmod +x "$T/daemon"
# with_daemon STATUS: run with that daemon.
with_daemon() {
	want=$1 rc=0
	shift
	"$builddir/run" env BENCHFS_DAEMON="$T/daemon" benchfs run -- "$@" \
		2>"$T/err" || rc=$?
	[ $rc = "$want" ] ||
		{ cat "$T/err"; fail "a failing daemon: $rc, not $want"; }
	grep -q 'last words' "$T/err" || fail "no last words"
	clean "a failing daemon"
}
with_daemon 73 true
# shellcheck disable=SC2016
printf '#!/bin/sh\necho last words\nkill -SEGV $$\n' >"$T/daemon"
with_daemon 70 true
rm "$T/daemon"

# A daemon that dies under way: the program's success does not hide it.
rm -f "$T/here"
bg -- sh -c ": >$T/here; until [ -e $T/dead ]; do sleep 0.02; done" 2>"$T/err"
within 60 here || fail "the program does not start"
kill -9 "$(cat "$XDG_RUNTIME_DIR"/benchfs-*/*/pid)"
: >"$T/dead"
rc=0
wait $pid || rc=$?
[ $rc = 70 ] || fail "a daemon that died: status $rc"
grep -q 'killed by signal 9' "$T/err" || fail "nothing said of the dead daemon"
clean "a dead daemon"

# One run inside another.
gives 64 -- benchfs run -- true

# Ctrl-C: the program gets it once, and decides.
rc=0
"$builddir/run" "$PY" - "$T" >"$T/out" <<'END' || rc=$?
import os, pty, sys, time
here = sys.argv[1] + "/tty"
pid, fd = pty.fork()
if pid == 0:
    os.execvp("benchfs", ["benchfs", "run", "sh", "-c",
        'n=0; trap "n=\\$((n+1))" INT; : >%s; sleep 1; sleep 1; exit 4$n' % here])
end = time.time() + 60
while not os.path.exists(here) and time.time() < end:
    time.sleep(0.02)
os.write(fd, b"\x03")
try:
    while os.read(fd, 1000):
        pass
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
[ $rc = 41 ] || fail "Ctrl-C: status $rc"
clean "Ctrl-C"
