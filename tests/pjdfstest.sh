#!/bin/sh
# make check-pjdfstest PJDFSTEST=DIR: the public suite pjdfstest, which lies
# built in DIR, in BenchFS and, to compare with, on a tmpfs.
#   PJD_TRANSPORT=ucx   force UCX (default: local)
#   PJD_DAEMONS=3       on several daemons (default: one)
#   PJD_UID=12345       as that user (root only; default: as who calls)
#   PJD_REFERENCE=DIR   where the tmpfs is (default: /dev/shm)
#   PJD_JOBS=4          how many files of the suite at once (they sleep much)
#   PJD_FILES='a/b.t c' only these files or directories of DIR/tests
#   PJD_LIMIT=3600      seconds that each of the two runs may take
#   PJD_KEEP=DIR        leave the suite's own output there
# It fails if an assertion fails that pjdfstest.expected does not list, or if
# one that it lists passes.  An ordinary user may do little of what the suite
# wants: there what fails on the tmpfs is what is expected to fail.
srcdir=${srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
. "${0%/*}/system/lib.sh"
requires awk openssl perl setpriv
suite=${PJDFSTEST:?PJDFSTEST is not set: the directory where pjdfstest is built}
[ -x "$suite/pjdfstest" ] || fail "$suite/pjdfstest is not there: not built?"
suite=$(cd "$suite" && pwd)
transport=${PJD_TRANSPORT:-local}
daemons=${PJD_DAEMONS:-1}
jobs=${PJD_JOBS:-4}
limit=${PJD_LIMIT:-3600}
reference=${PJD_REFERENCE:-/dev/shm}
[ "$(stat -f -c %T "$reference")" = tmpfs ] || fail "$reference is no tmpfs"
case $transport in
local | ucx) ;;
*) fail "PJD_TRANSPORT=$transport: neither local nor ucx" ;;
esac

as=
uid=$(id -u)
if [ -n "${PJD_UID:-}" ]; then
	requires_root
	as="setpriv --reuid $PJD_UID --regid $PJD_UID --clear-groups"
	uid=$PJD_UID
fi

# expand PATHS...: the files of the suite that they are
expand() {
	(cd "$suite/tests" && find "$@" -name '*.t' | sed 's|^\./||' | sort)
}
# word splitting is wanted
# shellcheck disable=SC2086
expand ${PJD_FILES:-.} >"$T/files"
[ -s "$T/files" ] || fail "no files of the suite: ${PJD_FILES:-.}"

# $1 where, $2 output, files on stdin.  Each in a directory of its own: they
# may run side by side then.
cat >"$T/all" <<'END'
umask 022
export PJD_OUT="$2" PJD_AT="$1"
xargs -P "$jobs" -n 1 sh "$T/one" || :
END
cat >"$T/one" <<'END'
name=$(echo "$1" | tr / -)
mkdir "$PJD_AT/$name" && cd "$PJD_AT/$name" || exit 1
timeout --foreground -k 5 "$limit" sh "$suite/tests/$1" >"$PJD_OUT/$name" 2>"$PJD_OUT/$name.err" </dev/null
cd / && rm -rf "$PJD_AT/$name"
END
export suite jobs limit

# results DIR: "file:number ok|fail" for each assertion; one that the file has
# planned and not made has failed.
results() {
	while read -r file; do
		awk -v file="$file" '
		/^1\.\.[0-9]+$/ { plan = substr($1, 4) + 0 }
		/^ok [0-9]+/ { seen[$2 + 0] = "ok" }
		/^not ok [0-9]+/ { seen[$3 + 0] = "fail" }
		END {
			if (!plan)
				print file ":0 fail"
			for (n in seen)
				if (n + 0 > plan)
					plan = n + 0
			for (n = 1; n <= plan; n++)
				print file ":" n, seen[n] == "ok" ? "ok" : "fail"
		}' "$1/$(echo "$file" | tr / -)"
	done <"$T/files"
}

mkdir "$T/out" "$T/out/benchfs" "$T/out/tmpfs"
at=$reference/bfs-pjd.$$
mkdir -m 755 "$at"
at_exit="rm -rf '$at'"
chown "$uid" "$at" "$T/out"/* "$T/tmp" "$T/run" "$T/home"

echo "pjdfstest in $suite as uid $uid: tmpfs"
# shellcheck disable=SC2086 # a command and its arguments
timeout -k 10 "$limit" $as sh "$T/all" "$at" "$T/out/tmpfs" <"$T/files" ||
	fail "no end on the tmpfs"
rm -rf "$at"
echo "pjdfstest in $suite as uid $uid: BenchFS, transport $transport, daemons: $daemons"
[ "$transport" = local ] || export BENCHFS_TRANSPORT=ucx
users=
[ "$uid" != 0 ] || users="-o auth.allow_users=*"
set -f # users holds a star
# shellcheck disable=SC2086
timeout -k 10 "$limit" $as "$builddir/run" benchfs run -n "$daemons" \
	-m "$mnt" $users -- sh "$T/all" "$mnt" "$T/out/benchfs" <"$T/files" ||
	fail "benchfs run ended with $?"
set +f
check_real_is_empty "something went to the real directory"
if [ -n "${PJD_KEEP:-}" ]; then
	mkdir -p "$PJD_KEEP"
	cp -r "$T/out/." "$PJD_KEEP"
fi

results "$T/out/tmpfs" | sort >"$T/tmpfs"
results "$T/out/benchfs" | sort >"$T/benchfs"

# What is expected to fail: file:number, sorted, of the files that were run.
if [ "$uid" = 0 ]; then
	sed 's/#.*//' "$srcdir/tests/pjdfstest.expected" |
		awk -v t="$transport" 'NF >= 2 && ($1 == t || $1 == "all") { print $2 }' |
		sort >"$T/listed"
	cut -d: -f1 "$T/benchfs" | uniq | sort >"$T/ran"
	sort -t: -k1,1 "$T/listed" | join -t: - "$T/ran" | sort >"$T/expected"
else
	awk '$2 == "fail" { print $1 }' "$T/tmpfs" | sort >"$T/expected"
fi
awk '$2 == "fail" { print $1 }' "$T/benchfs" | sort >"$T/failed"

# Per directory and in all.
awk '
{
	split($1, part, "/")
	d = part[1]
	if (FILENAME ~ /tmpfs$/)
		ref[d] += $2 == "ok"
	else {
		n[d]++
		ok[d] += $2 == "ok"
	}
}
END {
	printf "%-18s %10s %10s %10s\n", "", "assertions", "BenchFS ok", "tmpfs ok"
	for (d in n) {
		printf "%-18s %10d %10d %10d\n", d, n[d], ok[d], ref[d] | "sort"
		all += n[d]
		good += ok[d]
		refs += ref[d]
	}
	close("sort")
	printf "%-18s %10d %10d %10d   %.2f %% of BenchFS\n", "all", all, good, refs, 100 * good / all
}' "$T/tmpfs" "$T/benchfs"

bad=0
comm -23 "$T/failed" "$T/expected" >"$T/new"
comm -13 "$T/failed" "$T/expected" >"$T/gone"
if [ -s "$T/new" ]; then
	bad=1
	echo "these fail and are not expected to:"
	while IFS=: read -r file n; do
		line=$(grep -h "^not ok $n " "$T/out/benchfs/$(echo "$file" | tr / -)") ||
			line="$n did not run"
		echo "  $file: $line"
	done <"$T/new"
fi
if [ -s "$T/gone" ]; then
	bad=1
	echo "these pass and are expected to fail:"
	sed 's/^/  /' "$T/gone"
fi
[ $bad -eq 0 ] || fail "not as expected"
echo "as expected: $(wc -l <"$T/expected") failures"
