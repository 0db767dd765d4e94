# shellcheck shell=sh
# Sourced first by every system test.  It gives
#   $T           an own scratch directory on the real file system
#   $mnt         the prefix that BenchFS serves: the test's own, so that what one
#                test leaves in the real directory of that name fails no other
#   $helpers     the directory of the C helpers of tests/system
#   $PY          a python3 that is a real program
#   requires ... skips the test if a command is missing
#   skip, fail   end the test
#   bfs ...      runs a command on an embedded daemon, started for it alone
#   both ...     runs a snippet in a real directory and in BenchFS, and compares
set -eu

name=$(basename "$0" .sh)
srcdir=${srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
builddir=${builddir:-$srcdir}
helpers=$builddir/tests/system
py=$srcdir/tests/system/py
mnt=${BENCHFS_TEST_MNT:-/benchfs-$$}
limit=${BENCHFS_TEST_LIMIT:-300}
PY=/usr/bin/python3
[ -x "$PY" ] || PY=$(command -v python3 || echo python3)

T=$(mktemp -d "${TMPDIR:-/tmp}/bfs-$name.XXXXXX")
mkdir "$T/tmp" "$T/home" "$T/run"
# other users pass through, as they do through /tmp
chmod 711 "$T" "$T/run"
at_exit=:
cleanup() {
	status=$?
	trap - EXIT
	set +e
	eval "$at_exit"
	rm -rf "$T"
	[ "$mnt" != "/benchfs-$$" ] || rm -rf --one-file-system "$mnt"
	exit $status
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

umask 022
LC_ALL=C TZ=UTC TMPDIR=$T/tmp HOME=$T/home PYTHONDONTWRITEBYTECODE=1
export LC_ALL TZ TMPDIR HOME PYTHONDONTWRITEBYTECODE
export T PY py helpers srcdir builddir mnt
XDG_RUNTIME_DIR=$T/run
export XDG_RUNTIME_DIR
unset XDG_CONFIG_HOME MAKEFLAGS MAKELEVEL MFLAGS BASH_ENV ENV \
	CDPATH

fail() {
	echo "$name: FAIL: $*" >&2
	exit 1
}

skip() {
	echo "$name: SKIP: $*" >&2
	exit 77
}

requires() {
	for cmd; do
		command -v "$cmd" >/dev/null || skip "needs $cmd"
	done
}

requires_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

# The real directory of the prefix's name holds nothing, so that what a test
# sees under the prefix comes from BenchFS, and what escapes shows.
check_real_is_empty() {
	[ ! -e "$mnt" ] && return 0
	[ -z "$(ls -A "$mnt")" ] || fail "the real $mnt is not empty: $1"
}
check_real_is_empty "before the test"

# alive PID: one of its threads runs; none does in a zombie that nobody waited
# for.
alive() {
	grep -qs '^State:.[^XZ]' "/proc/$1/task/"*/status
}

# dead PID: until it is.
dead() {
	for _ in $(seq 1500); do
		alive "$1" || return 0
		sleep 0.02
	done
	fail "process $1 does not die"
}

# wait_for FILE: until it has something in it.
wait_for() {
	for _ in $(seq 3000); do
		[ ! -s "$1" ] || return 0
		sleep 0.02
	done
	fail "nothing came in $1"
}

# benchfs_run ARGS...: benchfs run with its own arguments, within the time; on
# BENCHFS_TEST_DAEMON, if that is set, instead of the tree's benchfsd.
benchfs_run() {
	timeout -k 10 "$limit" "$builddir/run" env \
		BENCHFS_DAEMON="${BENCHFS_TEST_DAEMON:-$builddir/benchfsd}" \
		benchfs run -n "$daemons" "$@"
}

# bfs CMD ARGS...: the command on an embedded daemon.  A test may set
# run_options first; BENCHFS_TEST_OPTIONS are for all of them, on
# BENCHFS_TEST_DAEMONS daemons.
run_options=${BENCHFS_TEST_OPTIONS:-}
daemons=${BENCHFS_TEST_DAEMONS:-1}
# Not empty: some files are on other nodes, or all are striped, so not passed
# through.
# the scripts look at it
# shellcheck disable=SC2034
far=${BENCHFS_TEST_FAR:-${BENCHFS_TEST_APART:-}}
# shellcheck disable=SC2034
case " $daemons:${BENCHFS_STORAGE_PLACEMENT:-}:$run_options " in
" 1:"*) ;;
*:stripe:* | *storage.placement=stripe*) far=stripe ;;
esac
# Data that is checked is not passed through either.
case " ${BENCHFS_STORAGE_CHECKSUM:-} $run_options " in
*storage.checksum=on* | *storage.checksum=true* | ' true '*) far=${far:-checksum} ;;
esac
bfs() {
	rc=0
	# word splitting is wanted
	# shellcheck disable=SC2086
	benchfs_run -m "$mnt" $run_options -- "$@" || rc=$?
	[ $rc -ne 124 ] || echo "$name: no end within $limit s" >&2
	check_real_is_empty "something went to the real directory"
	return $rc
}

# same A B WHAT: fails, showing the difference, unless the files are equal.
same() {
	diff -u "$1" "$2" >"$T/same.diff" && return 0
	head -n 60 "$T/same.diff" >&2
	return 1
}

# Runs in both worlds: the snippet, then the dump of what it left behind.
cat >"$T/snippet-run" <<'END'
# $1 = file prefix for results, $2 = shell; D is set
mkdir -p "$D" "$W" && cd / || exit 99
rc=0
$2 "$T/snippet" >"$1.raw" 2>"$1.err" </dev/null || rc=$?
cd / || exit 99
echo "exit status $rc" >>"$1.raw"
sed "s|$D|@D@|g;s|$W|@W@|g" "$1.raw" >"$1.out"
"$helpers/tree" "$D" >"$1.rawtree" || exit 98
sed "s|$D|@D@|g;s|$W|@W@|g" "$1.rawtree" >"$1.tree"
END

# The directory in BenchFS for the run; its path is as long as the real one's,
# so that files which hold paths have the same size.
bfs_dir() {
	D=$mnt/d
	while [ ${#D} -lt $((${#T} + ${#runs} + 8)) ]; do
		D=${D}d
	done
	W=$T/bfs_.$runs/w
	export D W
}

# both [-s SHELL] SNIPPET: the snippet sees $D, an empty directory once on the
# real file system and once in BenchFS, and $W, an empty directory that is
# always real.  Its output, exit status (0 is expected) and the trees that it
# leaves must agree.
runs=0
both() {
	shell='sh -eu'
	[ "$1" != -s ] || { shell=$2; shift 2; }
	runs=$((runs + 1))
	printf '%s\n' "$1" >"$T/snippet"
	both_real "$shell"
	both_bfs "$shell"
	ok=0
	same "$T/real.out" "$T/bfs.out" || ok=1
	same "$T/real.tree" "$T/bfs.tree" || ok=1
	if [ $ok -ne 0 ]; then
		sed 's/^/stderr in BenchFS: /' "$T/bfs.err" | head -n 20 >&2
		fail "snippet $runs differs (-: real directory, +: BenchFS)"
	fi
	check_kernel_view
}

both_real() {
	D=$T/real.$runs/d W=$T/real.$runs/w
	export D W
	sh "$T/snippet-run" "$T/real" "$1" || fail "no dump of the real tree"
	grep -qx 'exit status 0' "$T/real.out" && return
	cat "$T/real.err" "$T/real.out" >&2
	fail "snippet $runs fails in a real directory: the test is wrong"
}

both_bfs() {
	bfs_dir
	rm -f "$T/bfs.out" "$T/bfs.err"
	rc=0
	# the real tree once more, under the preload library
	bfs sh -c 'sh "$T/snippet-run" "$T/bfs" "$1" || exit
		"$helpers/tree" "$2" >"$T/foreign.rawtree"' \
		both "$1" "$T/real.$runs/d" >"$T/run.log" 2>&1 || rc=$?
	[ $rc -ne 0 ] || return 0
	cat "$T/run.log" >&2
	[ ! -f "$T/bfs.err" ] || cat "$T/bfs.err" >&2
	[ ! -f "$T/bfs.out" ] || diff -u "$T/real.out" "$T/bfs.out" >&2 || :
	fail "snippet $runs: benchfs run ended with $rc"
}

# F6: a real tree looks the same with and without the preload library.
check_kernel_view() {
	same "$T/real.rawtree" "$T/foreign.rawtree" ||
		fail "snippet $runs: the preload library changes a real tree"
}

# inside SNIPPET: a snippet that runs in BenchFS only and judges by itself: it
# must end with status 0.  It sees $D and $W as in `both`, and `want A B`,
# which fails with a message unless the two strings are equal.
inside() {
	shell='sh -eu'
	[ "$1" != -s ] || { shell=$2; shift 2; }
	runs=$((runs + 1))
	{
		cat <<'END'
want() { [ "$1" = "$2" ] || { echo "wanted '$1', got '$2'" >&2; exit 1; }; }
mkdir -p "$D" "$W"
cd /
END
		printf '%s\n' "$1"
	} >"$T/snippet"
	bfs_dir
	rc=0
	# word splitting of the shell and its options is wanted
	# shellcheck disable=SC2086
	bfs $shell "$T/snippet" || rc=$?
	[ $rc -eq 0 ] || fail "snippet $runs: exit status $rc"
}
