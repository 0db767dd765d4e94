#!/bin/sh
# benchfs run: the program's exit status, arguments, environment, working
# directory, standard streams, signals, and its own errors.
. "${0%/*}/lib.sh"

# status WANTED ARGS...: benchfs run ARGS ends with this status
status() {
	wanted=$1
	shift
	rc=0
	benchfs_run "$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
	[ $rc -eq "$wanted" ] && return
	cat "$T/out" "$T/err" >&2
	fail "benchfs run $*: status $rc, wanted $wanted"
}
says() {
	grep -q -- "$1" "$T/err" || {
		cat "$T/err" >&2
		fail "the message does not say '$1'"
	}
}

for n in 0 1 42 255; do
	status $n -- sh -c "exit $n"
done
for sig in 9 15 11 6; do
	status $((128 + sig)) -- sh -c "ulimit -c 0; kill -$sig \$\$"
done
status 127 -- no-such-program
says no-such-program
: >"$T/plain"
status 126 -- "$T/plain"
says plain
status 64
status 64 --no-such-option -- true
says no-such-option
status 64 -m relative -- true
says relative
status 0 -- true
[ ! -s "$T/err" ] || fail "true is not silent: $(cat "$T/err")"

# what the program is given
[ "$(echo in | benchfs_run -- cat)" = in ] || fail "stdin"
[ "$(benchfs_run -- printf '%s|' 'a b' '' '*' -- -x)" = 'a b||*|--|-x|' ] || fail "arguments"
[ "$(X='a b' benchfs_run -- sh -c 'echo "$X"')" = 'a b' ] || fail "environment"
[ "$(cd "$T" && benchfs_run -- pwd)" = "$T" ] || fail "working directory"
[ "$(umask 027 && benchfs_run -- sh -c umask)" = 0027 ] || fail "umask"
[ "$(benchfs_run -- sh -c 'echo e >&2' 2>&1 >/dev/null)" = e ] || fail "stderr"
# what whoever runs this test has open is given to all programs alike
[ "$(benchfs_run -- ls /proc/self/fd)" = "$(timeout 10 ls /proc/self/fd)" ] ||
	fail "the program has other descriptors than its own"
[ "$(benchfs_run -- sh -c 'trap' | wc -l)" = 0 ] || fail "signals are ignored"
[ "$(LD_PRELOAD='' benchfs_run -m "$T/other" -- sh -c "echo x >'$T/other/f' && cat '$T/other/f'")" = x ] || fail "prefix"
[ ! -e "$T/other" ] || fail "a real $T/other was made"
# a run inside of a run would let the outer prefix fall through to what is
# really there (F7)
status 64 -m "$T/a" -- "$builddir/run" benchfs run -m "$T/b" -- true
says "inside BenchFS"

# a signal to benchfs run reaches the program, and the status tells of it
for sig in 15 2 1; do
	# background jobs of a script ignore SIGINT
	env --default-signal "$builddir/run" benchfs run -- sh -c "
		trap 'exit 9' $sig; echo ready >'$T/ready'
		while :; do sleep 0.05; done" &
	pid=$!
	wait_for "$T/ready"
	rm "$T/ready"
	kill -$sig $pid
	rc=0
	wait $pid || rc=$?
	[ $rc -eq 9 ] || [ $rc -eq $((128 + sig)) ] || fail "signal $sig: status $rc"
done
[ -z "$(ls -A "$TMPDIR")" ] || fail "left in TMPDIR: $(ls -A "$TMPDIR")"

# its own help and version
for opt in --help --version; do
	"$builddir/run" benchfs $opt >"$T/out" || fail "benchfs $opt"
	[ -s "$T/out" ] || fail "benchfs $opt says nothing"
done
grep -q '[0-9]\.[0-9]' "$T/out" || fail "no version"
rc=0
"$builddir/run" benchfs nonsense 2>"$T/err" || rc=$?
[ $rc -eq 64 ] || fail "benchfs nonsense: $rc"
says nonsense
