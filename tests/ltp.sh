#!/bin/sh
# make check-ltp LTP=DIR: tests of the Linux Test Project, installed in DIR
# (DIR/testcases/bin, DIR/runtest), in BenchFS and, to compare with, in a plain
# directory.  ltp.list says which of them.
#   LTP_TRANSPORT=ucx   force UCX (default: local)
#   LTP_UID=12345       as that user (root only; default: as who calls)
#   LTP_REFERENCE=DIR   where the plain directory is (default: /dev/shm)
#   LTP_JOBS=4          how many tests at once (many of them wait)
#   LTP_TESTS='a b01'   only the tests of these names, or names and numbers
#   LTP_LIMIT=3600      seconds that each of the two runs may take
#   LTP_KEEP=DIR        leave the tests' own output there
# A test is worse in BenchFS if it passes in the plain directory and does not
# in BenchFS, or passes with fewer of its checks.  It fails if a test is worse
# that ltp.expected does not list, or if one that it lists is not.
srcdir=${srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
. "${0%/*}/system/lib.sh"
requires awk setpriv xargs
suite=${LTP:?LTP is not set: the directory where the suite is installed}
for d in testcases/bin runtest; do
	[ -d "$suite/$d" ] || fail "$suite has no $d: not installed?"
done
suite=$(cd "$suite" && pwd)
transport=${LTP_TRANSPORT:-local}
jobs=${LTP_JOBS:-4}
limit=${LTP_LIMIT:-3600}
reference=${LTP_REFERENCE:-/dev/shm}
case $transport in
local | ucx) ;;
*) fail "LTP_TRANSPORT=$transport: neither local nor ucx" ;;
esac

as=
uid=$(id -u)
if [ -n "${LTP_UID:-}" ]; then
	requires_root
	as="setpriv --reuid $LTP_UID --regid $LTP_UID --clear-groups"
	uid=$LTP_UID
fi

# The lines "tag command" of the suite's lists that are wanted, of programs
# that are installed.  A tag is a name of ltp.list and what follows a digit or
# an underscore.
sed 's/#.*//' "$srcdir/tests/ltp.list" >"$T/list"
for list in syscalls fs fs_perms_simple ltp-aiodio.part3; do
	cat "$suite/runtest/$list"
done |
	awk -v only="${LTP_TESTS:-}" -v bin="$suite/testcases/bin/" '
	FILENAME != "-" {
		for (i = 1; i <= NF; i++)
			if ($i ~ /^-/)
				never[substr($i, 2)] = 1
			else
				wanted[$i] = 1
		next
	}
	/^[ \t]*(#|$)/ { next }
	{
		name = $1
		sub(/(_?[0-9]+)?(_[0-9]+)?[A-Z]?(_64|_16)?$/, "", name)
		if ($1 in never || !((name in wanted) || ($1 in wanted)))
			next
		if (only != "" && !index(" " only " ", " " name " ") &&
		    !index(" " only " ", " " $1 " "))
			next
		if (!seen[$1]++)
			print
	}' "$T/list" - >"$T/tests"
[ -s "$T/tests" ] || fail "no tests of the suite"

# $1 where, $2 output; tags on stdin.
cat >"$T/all" <<'END'
umask 022
export OUT="$2" AT="$1"
xargs -P "$jobs" -n 1 sh "$T/one" || :
END
cat >"$T/one" <<'END'
mkdir "$AT/$1" && cd "$AT/$1" || exit 1
chmod 1777 .
export TMPDIR="$AT/$1"
awk -v t="$1" '$1 == t { sub(/^[^ \t]+[ \t]+/, ""); print; exit }' "$T/tests" >"$OUT/$1.cmd"
rc=0
timeout -k 5 400 sh "$OUT/$1.cmd" >"$OUT/$1" 2>&1 </dev/null || rc=$?
echo "status $rc" >>"$OUT/$1"
cd / && chmod -R u+w "$AT/$1" && rm -rf "$AT/$1"
END
# Each test has a limit of its own, mostly half a minute: not on a busy machine.
export suite jobs LTPROOT="$suite" LTP_COLORIZE_OUTPUT=n LTP_TIMEOUT_MUL=5
PATH=$PATH:$suite/testcases/bin
export PATH

# results DIR: "tag status passed" of each test.  One that mounts a file system
# of its own in its directory (root's may) tests that, which no mount below the
# prefix can be: "mounts".
results() {
	while read -r tag; do
		awk -v tag="$tag" '
		/(^| )TPASS[ :]/ { passed++ }
		/TINFO *: +(Mounting|Formatting) |Failed to acquire device/ { mounts = 1 }
		/^status / { status = $2 }
		END {
			if (status == "")
				status = "none"
			print tag, mounts ? "mounts" : status, passed + 0
		}' "$1/$tag" /dev/null
	done <"$T/tags" | sort
}

mkdir "$T/out" "$T/out/benchfs" "$T/out/plain"
at=$reference/bfs-ltp.$$
mkdir -m 755 "$at"
at_exit="rm -rf '$at'"
chown "$uid" "$at" "$T/out"/* "$T/tmp" "$T/run" "$T/home"
cut -d ' ' -f 1 "$T/tests" | cut -f 1 >"$T/tags"

echo "$(wc -l <"$T/tags") tests of $suite as uid $uid: $reference"
# shellcheck disable=SC2086 # a command and its arguments
timeout -k 10 "$limit" $as sh "$T/all" "$at" "$T/out/plain" <"$T/tags" ||
	fail "no end in the plain directory"
rm -rf "$at"
echo "BenchFS, transport $transport"
[ "$transport" = local ] || export BENCHFS_TRANSPORT=ucx
users=
[ "$uid" != 0 ] || users="-o auth.allow_users=*"
set -f # users holds a star
# shellcheck disable=SC2086
timeout -k 10 "$limit" $as "$builddir/run" benchfs run -m "$mnt" $users -- \
	sh "$T/all" "$mnt" "$T/out/benchfs" <"$T/tags" ||
	fail "benchfs run ended with $?"
set +f
check_real_is_empty "something went to the real directory"
if [ -n "${LTP_KEEP:-}" ]; then
	mkdir -p "$LTP_KEEP"
	cp -r "$T/out/." "$LTP_KEEP"
fi
results "$T/out/plain" >"$T/plain"
results "$T/out/benchfs" >"$T/benchfs"

# 0: passed; 32: the test cannot be run here; 4: a warning.
join "$T/plain" "$T/benchfs" | awk '
function good(status) { return status == 0 || status == 4 }
{
	n++
	if ($2 == "mounts" || $4 == "mounts") {
		mounts++
		next
	}
	if ($2 == 32)
		cannot++
	else if (good($2))
		plain++
	else
		bad++
	if (good($4))
		ok++
	if (good($2) && (!good($4) || $5 < $3)) {
		worse++
		print $1, "status", $2, "->", $4 ", checks passed", $3, "->", $5
	}
}
END {
	print n, "tests,", mounts + 0, "of them on mounts of their own;",
		"plain directory:", plain + 0, "pass,", bad + 0, "fail,",
		cannot + 0, "cannot run here; BenchFS:", ok + 0, "pass;",
		worse + 0, "are worse" > "/dev/stderr"
}' >"$T/worse"

awk '{ print $1 }' "$T/worse" | sort >"$T/failed"
sed 's/#.*//' "$srcdir/tests/ltp.expected" |
	awk -v t="$transport" 'NF >= 2 && ($1 == t || $1 == "all") { print $2 }' |
	sort >"$T/listed"
sort "$T/tags" | join - "$T/listed" >"$T/expected"
bad=0
comm -23 "$T/failed" "$T/expected" >"$T/new"
comm -13 "$T/failed" "$T/expected" >"$T/gone"
if [ -s "$T/new" ]; then
	bad=1
	echo "these are worse in BenchFS and not expected to be:"
	sort "$T/worse" | join - "$T/new" | sed 's/^/  /'
fi
if [ -s "$T/gone" ]; then
	bad=1
	echo "these pass and are expected to fail:"
	sed 's/^/  /' "$T/gone"
fi
[ $bad -eq 0 ] || fail "not as expected"
echo "as expected: $(wc -l <"$T/expected") worse than in the plain directory"
