#!/bin/sh
# Call accounting: the numbers of a program whose calls are known, over exec,
# fork, threads and SIGKILL; on each way of being served.
. "${0%/*}/../system/lib.sh"
requires "$PY"

# expect WAY FILE: FILE, JSON, says what tests/system/calls.c does, its data
# being served by WAY.
cat >"$T/expect.py" <<'END'
import json, sys
data, file = sys.argv[1:]
meta = 'ucx' if data == 'ucx' else 'local'
want = {
    ('chdir', meta): (1, 0, 0), # the other one is about a real directory
    ('open', meta): (4, 3, 0),
    ('pwrite', data): (10 + 200, 0, 1000 + 2000),
    # what cannot be right is not sent to the daemon
    ('pread', data): (6 + (data == 'pass-through'), data == 'pass-through', 501),
    ('fopen', meta): (1, 0, 0),
    ('FILE write', data): (6, 0, 42),
    ('access', meta): (7, 7, 0),
    ('rename', meta): (9, 9, 0),
    ('mkdir', meta): (11, 0, 0),
    ('symlink', meta): (2, 0, 0),
    ('readlink', meta): (13, 0, 13 * 6),
    ('execv', 'library'): (2, 1, 0),
    ('fork', 'library'): (4, 0, 0),
    ('_exit', 'library'): (1, 0, 0),
    ('syscall:unlink', meta): (4, 4, 0),
}
if data != 'pass-through':
    want['pread', 'library'] = 1, 1, 0
report = json.load(open(file))
got = {}
# calls of UCX on its own descriptors: a sanitizer, which stands between, hides
# that they are UCX's
of_ucx = ('read', 'write', 'close', 'fcntl') if data == 'ucx' else ()
for c in report['calls']:
    assert 0 <= c['seconds'] < 100, c
    if c['call'] != 'fclose' and c['call'] not in of_ucx:
        got[c['call'], c['served_by']] = c['count'], c['errors'], c['bytes']
times = [c['seconds'] for c in report['calls']]
assert times == sorted(times, reverse=True), times
for k in sorted(want.keys() | got.keys()):
    if got.get(k) != want.get(k):
        sys.exit(f'{k}: counted {got.get(k)}, made {want.get(k)}')
assert report['programs'] == 2, report['programs']
END
expect() {
	"$PY" "$T/expect.py" "$1" "$2" || { cat "$2"; fail "$3"; }
}
# counted WAY ARGS...: benchfs run with its report
counted() {
	way=$1
	shift
	benchfs_run -m "$mnt" --report "$T/report" "$@" -- \
		"$helpers/calls" "$mnt" 2>"$T/err" ||
		{ cat "$T/err"; fail "the program, $*"; }
	"$builddir/benchfs" report --json "$T/report" >"$T/json" ||
		fail "benchfs report"
	expect "$way" "$T/json" "$way"
}

if [ "${BENCHFS_TRANSPORT:-}" != ucx ]; then
	counted pass-through
	grep -q '^pwrite  *pass-through  *210 ' "$T/err" ||
		{ cat "$T/err"; fail "no table at the end"; }
	"$builddir/benchfs" report "$T/report" >"$T/table"
	diff "$T/table" "$T/err" || fail "two tables of one report"
	# begun anew, not added to
	counted local -o storage.max_storage_gb=1
fi
BENCHFS_TRANSPORT=ucx counted ucx

# the report of that run only, as JSON
benchfs_run -m "$mnt" --json --report - -- sh -c "mkdir $mnt/d" 2>"$T/err"
"$PY" -c 'import json, sys
c = {c["call"]: c["count"] for c in json.load(sys.stdin)["calls"]}
assert c["mkdir"] == 1, c' <"$T/err" || { cat "$T/err"; fail "--json --report -"; }

# in the environment: added to, nothing printed
for _ in 1 2 3; do
	BENCHFS_REPORT=$T/sum benchfs_run -m "$mnt" -- mkdir "$mnt/d" 2>"$T/err"
	[ ! -s "$T/err" ] || { cat "$T/err"; fail "BENCHFS_REPORT prints"; }
done
"$builddir/benchfs" report "$T/sum" >"$T/table"
grep -q '^mkdir  *[a-z]*  *3 ' "$T/table" ||
	{ cat "$T/table"; fail "BENCHFS_REPORT is not added to"; }

# a report that nobody has added to
: >"$T/empty"
"$builddir/benchfs" report "$T/empty" >"$T/table" || fail "an empty report"
grep -q '^0 programs' "$T/table" || fail "an empty report: $(cat "$T/table")"

# what is no report is left alone, and said so
echo precious >"$T/text"
rc=0
benchfs_run -m "$mnt" --report "$T/text" -- true 2>"$T/err" || rc=$?
[ $rc = 73 ] || fail "--report of another file: $rc"
BENCHFS_REPORT=$T/text benchfs_run -m "$mnt" -- true 2>"$T/err" ||
	fail "a bad report stops the program"
grep -q 'not a report' "$T/err" || fail "a bad report is not told"
[ "$(cat "$T/text")" = precious ] || fail "another file was written over"
rc=0
"$builddir/benchfs" report "$T/text" 2>"$T/err" || rc=$?
[ $rc = 65 ] || fail "benchfs report of another file: $rc"
head -c 100000 "$T/report" >"$T/short"
rc=0
"$builddir/benchfs" report "$T/short" 2>"$T/err" || rc=$?
[ $rc = 65 ] || fail "benchfs report of half a report: $rc"
rc=0
"$builddir/benchfs" report "$T/nosuch" 2>"$T/err" || rc=$?
[ $rc = 66 ] || fail "benchfs report of nothing: $rc"
