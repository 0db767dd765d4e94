#!/bin/sh
# benchfs bench: it runs, its JSON tells of all works, and the daemon's counters
# show for each that its calls went the way of the configuration.  No time is
# judged.
. "${0%/*}/../system/lib.sh"
requires "$PY"
unset BENCHFS_TRANSPORT UCX_TLS # bench sets its own

bench() {
	timeout -k 10 "$limit" "$builddir/run" benchfs bench "$@"
}

bench --quick --json "$T/json" --plot "$T/plots" "$T/tmp" >"$T/out" \
	2>"$T/err" && rc=0 || rc=$?
if command -v gnuplot >/dev/null; then
	[ "$rc" = 0 ] || { cat "$T/err"; fail "status $rc"; }
	for suite in io meta start net; do
		grep -q '</svg>' "$T/plots/$suite.svg" || fail "no plot of $suite"
	done
else
	[ "$rc" = 69 ] || { cat "$T/err"; fail "without gnuplot: status $rc"; }
	grep -q 'gnuplot is not installed' "$T/err" || fail "no word of gnuplot"
fi
grep -q 'targets are met$' "$T/out" || fail "no targets: $(tail -n 3 "$T/out")"
[ -z "$(ls "$T/tmp")" ] || fail "left behind: $(ls "$T/tmp")"

cat >"$T/check.py" <<'END'
import json, re, sys
got = json.load(open(sys.argv[1]))
# the table of works is what is promised
want = {}
for m in re.finditer(r'^WORK\((\w+), ([\w-]+), \w+,\s*([^,]+), (\d), ([^,]+), \d+,',
                     open(sys.argv[2]).read(), re.M):
    suite, name, size, procs, flags = m.groups()
    want[suite, name] = eval(size), int(procs), set(flags.split(' | '))
assert len(want) > 50, want
assert len(got['machine']) > 30 and got['quick'] is True and got['rounds'] == 3
assert {(w['suite'], w['work']) for w in got['works']} == want.keys()
for w in got['works']:
    key = w['suite'], w['work']
    size, procs, flags = want[key]
    assert (w['bytes'], w['processes']) == (size, procs), w
    on = {r['on']: r for r in w['results']}
    confs = {'plain', 'local', 'ucx-shm', 'ucx-tcp', 'local-2'}
    if 'TWO' not in flags:
        confs -= {'local-2'}
    if 'HUGE' in flags:
        confs -= {'ucx-shm', 'ucx-tcp'}
    if 'NET' in flags:
        confs -= {'local'}
    assert on.keys() == confs, (key, on.keys())
    for name, r in on.items():
        what = key, r
        assert 'error' not in r, what
        assert r['us'] > 0 and r['ops'] > 0 and len(r['ns']) == 3, what
        local, ucx = r['requests_local'], r['requests_ucx']
        moved = r['bytes_read'] + r['bytes_written']
        calls = (r['ops'] if not size and w['suite'] in ('meta', 'net')
                 and 'readdir' not in w['work'] else 1)
        if name == 'plain':
            assert local == ucx == moved == 0, what
        elif name.startswith('ucx'):
            if 'SILENT' not in flags:
                assert ucx >= calls, what
            # programs ask for their arena there
            assert local <= 8 or 'OUTSIDE' in flags, what
            assert r['opens_pass'] == 0, what
            if size and not w['work'].startswith('mmap'):
                assert moved >= r['ops'] * size, what
            if procs == 1 and 'OUTSIDE' not in flags:
                assert (r['ucx_segments'] > 0) == (name == 'ucx-shm'), what
        else:
            assert local >= calls, what
            assert ucx == 0 or name == 'local-2', what
            if size and name == 'local': # data past the daemon
                assert moved == 0 and r['opens_pass'] > 0, what
                assert r['served_by'] == 'pass-through', what
for t in got['targets']:
    assert t['met'] == (t['value'] >= t['at_least'] if 'at_least' in t
                        else t['value'] <= t['at_most']), t
assert len(got['targets']) > 20, got['targets']
END
"$PY" "$T/check.py" "$T/json" "$srcdir/tools/bench/works.def" ||
	fail "the figures"

# one suite, JSON on standard output and nothing else there
bench --quick --suite net --json - "$T/tmp" >"$T/json" 2>"$T/err" ||
	{ cat "$T/err"; fail "--json -"; }
"$PY" -c 'import json, sys
assert {w["suite"] for w in json.load(sys.stdin)["works"]} == {"net"}' \
	<"$T/json" || fail "--suite net"

# wrong usage
rc=0
bench --suite nosuch 2>"$T/err" || rc=$?
[ $rc = 64 ] || fail "--suite nosuch: status $rc"
grep -q '"nosuch"; they are io, meta, start, net' "$T/err" ||
	fail "--suite nosuch: $(cat "$T/err")"
rc=0
bench --quick "$T/nowhere" 2>"$T/err" || rc=$?
[ $rc = 73 ] || fail "a directory that is not there: status $rc"

# a signal ends it, and nothing is left
"$builddir/run" benchfs bench "$T/tmp" >"$T/out" 2>"$T/err" &
pid=$!
for _ in $(seq 500); do
	[ -z "$(find "$T/tmp" -name io-read-1m)" ] || break
	sleep 0.02
done
kill -TERM $pid
rc=0
wait $pid || rc=$?
[ $rc = 143 ] || fail "SIGTERM: status $rc"
[ -z "$(ls "$T/tmp")" ] || fail "SIGTERM leaves $(ls "$T/tmp")"
