#!/bin/sh
# The table of bad inputs: what is given, the exit status, the message.  A
# status of 0 means that it must simply work.
BENCHFS_TEST_MNT=/benchfs
. "${0%/*}/lib.sh"
requires "$PY"

bad=0
# row STATUS MESSAGE ARGS...: benchfs ARGS ends with STATUS, saying MESSAGE
row() {
	want=$1 message=$2
	shift 2
	rc=0
	# "within" is a command with arguments
	# shellcheck disable=SC2086
	timeout -k 5 20 ${within:-} "$builddir/run" benchfs "$@" >"$T/out" \
		2>"$T/err" </dev/null || rc=$?
	if [ $rc -ne "$want" ] ||
		{ [ -n "$message" ] && ! grep -q -e "$message" "$T/err"; }; then
		echo "benchfs $*" | cut -c1-200 >&2
		echo "	status $rc, wanted $want, message: $message" >&2
		sed 's/^/	/' "$T/err" | cut -c1-200 >&2
		bad=1
	fi
	check_real_is_empty "benchfs $*"
}
# conf TEXT: a configuration file, whose second line is TEXT.
conf() {
	printf '# a test\n%s\n' "$1" >"$T/conf"
}

: >"$T/file"
mkdir "$T/dir"
long=$T/$(printf '%0120d' 0)
mkdir "$long"
fine="/sys/kernel"	# a directory in which nobody can make files

# the prefix
row 78 "$T/file" run -m "$T/file" -- true
row 64 "relative" run -m relative/path -- true
row 64 "/" run -m / -- true
row 64 "mount" run -m '' -- true
row 64 "mount" run -m "/$(printf '%05000d' 0)" -- true
row 0 "" run -m "$T/dir" -- true
row 0 "" run -m "/does/not/exist/yet" -- ls /does/not/exist/yet
# the data directory
row 73 "$fine/x" run -d "$fine/x" -- true
row 73 "$T/file" run -d "$T/file" -- true
row 73 "$T/file/sub" run -d "$T/file/sub" -- true
# the number of daemons, and what there is not
row 64 "0" run -n 0 -- true
row 64 "many" run -n many -- true
row 64 "nonsense" run --nonsense -- true
row 64 "PROGRAM\|program" run
# the configuration: file, line, accepted values
conf 'storage: { chunk_sise = 1048576; };'
row 78 "conf:2.*chunk_sise" run -c "$T/conf" -- true
conf 'storrage: { chunk_size = 1048576; };'
row 78 "conf:2.*storrage" run -c "$T/conf" -- true
conf 'network: { transport = "pigeon"; };'
row 78 "conf:2.*pigeon.*ucx" run -c "$T/conf" -- true
conf 'network: { timeout_secs = 0; };'
row 78 "conf:2.*3600" run -c "$T/conf" -- true
conf 'network: { timeout_secs = "soon"; };'
row 78 "conf:2.*timeout_secs" run -c "$T/conf" -- true
conf 'storage: { chunk_size = 70000; };'
row 78 "conf:2.*chunk_size" run -c "$T/conf" -- true
conf 'storage: { chunk_size = '
row 78 "conf:[23]" run -c "$T/conf" -- true
conf 'metadata: { journal = "sqlite"; };'
row 78 "conf:2.*sqlite.*lmdb" run -c "$T/conf" -- true
conf 'client: { mount = "/other"; }; node: { log_level = "error"; };'
row 0 "" run -c "$T/conf" -- ls /other
# what it includes
mkdir "$T/conf.d"
echo 'network: { timeout_secs = 0; };' >"$T/conf.d/sub"
conf "@include \"$T/conf.d\""
row 78 "conf:2.*conf.d.*not a file" run -c "$T/conf" -- true
conf "  @include \"$T/conf.d/none\""
row 78 "conf:2" run -c "$T/conf" -- true
conf "@include \"$T/conf.d/sub\""
row 78 "conf.d/sub:1.*3600" run -c "$T/conf" -- true
printf '\n@include "%s/conf.d"\n' "$T" >"$T/conf.d/sub"
row 78 "conf.d/sub:2.*not a file" run -c "$T/conf" -- true
echo "@include \"$T/conf.d/sub\"" >"$T/conf.d/sub" # itself
row 78 "conf.d/sub:1" run -c "$T/conf" -- true
conf "/* @include \"$T/conf.d\"
@include \"$T/conf.d\" */ client: { mount = \"/other\"; };"
row 0 "" run -c "$T/conf" -- ls /other
row 66 "no-such-conf" run -c "$T/no-such-conf" -- true
row 78 "$T/dir" run -c "$T/dir" -- true
row 64 "nonsense" run -o network.nonsense=1 -- true
row 64 "x" run -o network.timeout_secs=x -- true
within='env BENCHFS_TIMEOUT=never' row 78 "never" run -- true
within='env BENCHFS_STORAGE_CHUNK_SIZE=3' row 78 "BENCHFS_STORAGE_CHUNK_SIZE" run -- true
row 0 "" config check
conf 'nothing = 1;'
row 78 "conf:2" config check "$T/conf"
# the run directory
row 64 "too long\|longer\|107\|108" start --run-dir "$long/$(printf '%090d' 0)" -d "$T/data"
within="env TMPDIR=$long" row 0 "" run -- sh -c 'echo x >/benchfs/f && cat /benchfs/f'
row 73 "$fine/x" start --run-dir "$fine/x" -d "$T/data"
row 73 "$T/file" start --run-dir "$T/file" -d "$T/data"
# a daemon that is not there
mkdir -m 700 "$T/none"
row 69 "$T/none" status --run-dir "$T/none"
row 69 "$T/none" stop --run-dir "$T/none"
# a data directory that is in use
row 0 "" start --run-dir "$T/r1" -d "$T/data"
at_exit='"$builddir/run" benchfs stop --run-dir "$T/r1" 2>/dev/null'
row 75 "$T/data" run -d "$T/data" -- true
row 75 "$T/data" start --run-dir "$T/r2" -d "$T/data"
row 75 "$T/r1" start --run-dir "$T/r1" -d "$T/data2"
row 0 "" status --run-dir "$T/r1"
# the stale socket of a dead one
pid=$(cat "$T/r1/pid")
kill -9 "$pid"
dead "$pid"
row 69 "$T/r1" status --run-dir "$T/r1"
row 0 "" start --run-dir "$T/r1" -d "$T/data"
row 0 "" stop --run-dir "$T/r1"
at_exit=:
# io_uring is refused
use='cd /benchfs && seq 100000 >f && sync f && cp f g && cmp f g && rm f g'
within="$helpers/deny io_uring" row 0 "" run -- sh -c "$use"
row 0 "" run -o storage.use_iouring=false -- sh -c "$use"
# few descriptors: EMFILE at the limit, and all is well after it
cat >"$T/few.py" <<'END'
import errno, os
fds = []
try:
    while len(fds) < 300:
        fds.append(os.open('/benchfs/f', os.O_RDWR | os.O_CREAT))
    raise SystemExit('no limit')
except OSError as e:
    assert e.errno == errno.EMFILE, e
assert len(fds) > 230, len(fds)
try:
    os.listdir('/benchfs')
    raise SystemExit('no limit')
except OSError as e:
    assert e.errno == errno.EMFILE, e
os.stat('/benchfs/f')
for fd in fds:
    os.write(fd, b'x')
    os.close(fd)
assert os.listdir('/benchfs') == ['f'] and os.path.getsize('/benchfs/f') == 1
for i in range(600):
    os.close(os.open('/benchfs/f', os.O_RDONLY))
END
within='prlimit --nofile=256:256' row 0 "" run -- "$PY" "$T/few.py"
# two runs at once
for n in 1 2; do
	benchfs_run -- sh -c 'echo $1 >/benchfs/f; sleep 0.5; cat /benchfs/f; ls /benchfs' x $n \
		>"$T/out$n" 2>&1 &
done
wait
for n in 1 2; do
	[ "$(cat "$T/out$n")" = "$n
f" ] || { echo "two runs at once: $n got $(cat "$T/out$n")" >&2; bad=1; }
done
# a tiny and a full /dev/shm
if unshare -m true 2>/dev/null; then
	for fill in 0 1; do
		cat >"$T/shm" <<-END
			mount -t tmpfs -o size=64k none /dev/shm || exit 77
			[ $fill = 0 ] || head -c 65536 /dev/zero >/dev/shm/full
			exec "\$@"
		END
		# it works, or an error says what is missing; over UCX's
		# shared memory it may be the latter
		if [ "${BENCHFS_TRANSPORT:-}" = ucx ]; then
			unshare -m sh "$T/shm" timeout 30 "$builddir/run" \
				benchfs run -- sh -c "$use" >"$T/out" 2>&1 ||
				[ -s "$T/out" ] || { echo "silent with a full /dev/shm" >&2; bad=1; }
			grep -i 'bus error\|segmentation' "$T/out" && bad=1
		else
			within="unshare -m sh $T/shm" row 0 "" run -- sh -c "$use"
		fi
	done
fi
[ -z "$(ls -A "$TMPDIR")" ] || { echo "left: $(ls -A "$TMPDIR")" >&2; bad=1; }
exit $bad
