#!/bin/sh
# D1, D3: a file system outlives its daemon, killed or stopped, and goes on
# where it was; what it must not go on with is refused, by name (RULES 31).
. "${0%/*}/lib.sh"
requires "$PY"

run=$builddir/run
rd=$T/rd
data=$T/data
at_exit='[ ! -s "$rd/pid" ] || kill -9 "$(cat "$rd/pid")" 2>/dev/null || :'
benchfs() { timeout -k 10 "$limit" "$run" benchfs "$@"; }
start() { benchfs start --run-dir "$rd" -d "$data" "$@"; }
# inside CMD...: a client of the daemon that runs
inside() (
	eval "$(benchfs env --run-dir "$rd" -m "$mnt")"
	exec timeout -k 10 "$limit" "$@"
)
kill_daemon() {
	pid=$(cat "$rd/pid")
	kill -9 "$pid"
	dead "$pid"
}
# a tree with a bit of everything, told without times of access
inside_tree() { inside "$helpers/tree" "$mnt"; }

start || fail "start"
inside sh -euc 'cd '"$mnt"'
	mkdir -p a/b/c "with space" && echo hello >a/b/f && ln a/b/f a/hard && ln -s ../x a/link
	mkfifo fifo && chmod 4750 a/b/f && touch -d 2001-02-03 a/b/c
	: >empty && truncate -s 5G sparse && cp -r '"$srcdir"'/core . && rm core/*.h
	mv core moved && mkdir -m 1777 sticky && rmdir "with space"'
inside "$PY" -c "import os; os.setxattr('$mnt/a/b/f', 'user.k', b'v' * 5000)"
inside_tree >"$T/before"
[ "$(wc -l <"$T/before")" -gt 20 ] || fail "there is not much in the tree"
for how in kill kill stop; do
	if [ $how = kill ]; then kill_daemon; else benchfs stop --run-dir "$rd" || fail "stop"; fi
	start || fail "start after $how: $?"
	inside_tree >"$T/after"
	same "$T/before" "$T/after" || fail "not what it was after $how"
	v=$(inside "$PY" -c "import os; print(len(os.getxattr('$mnt/a/b/f', 'user.k')))")
	[ "$v" = 5000 ] || fail "the xattr has $v bytes"
	[ "$(inside cat "$mnt/a/hard")" = hello ] || fail "content"
done
# what is removed is gone, with its data
inside rm -r "$mnt/moved" "$mnt/sparse"
kill_daemon
start || fail "start after rm"
inside_tree >"$T/after"
! grep -q moved "$T/after" || fail "what was removed is back"
n=$(find "$data/data" -type f | wc -l)
[ "$n" = 2 ] || fail "$n data files for two files: $(find "$data/data" -type f)"

# R31, F4: not for another kind of daemon
kill_daemon
rc=0
start -o metadata.journal=none 2>"$T/err" || rc=$?
[ $rc = 73 ] || fail "journal none: $rc: $(cat "$T/err")"
grep -q "metadata.journal" "$T/err" || fail "journal none: $(cat "$T/err")"
# damage: status 65, the file and the offset; nothing is changed
log=$(find "$data/meta" -name "log.*" | sort | head -n 1)
cp "$log" "$T/log.good"
printf 'X' | dd of="$log" bs=1 seek=$(($(stat -c %s "$log") / 2)) conv=notrunc 2>/dev/null
cmp -s "$log" "$T/log.good" && printf 'Y' | dd of="$log" bs=1 seek=$(($(stat -c %s "$log") / 2)) conv=notrunc 2>/dev/null
cp "$log" "$T/log.bad"
rc=0
start 2>"$T/err" || rc=$?
[ $rc = 65 ] || fail "damage: $rc: $(cat "$T/err")"
grep -q "$log, offset [0-9]" "$T/err" || fail "damage: $(cat "$T/err")"
cmp "$log" "$T/log.bad" || fail "the damaged log was changed"
cp "$T/log.good" "$log"
start || fail "start with the log whole again"
inside_tree >"$T/again"
same "$T/after" "$T/again" || fail "not what it was after the damage"
benchfs stop --run-dir "$rd" || fail "stop"

# run -d goes on with its directory, and --keep keeps it
benchfs run -d "$T/d2" -m "$mnt" -- sh -c "echo kept >$mnt/f" || fail "run -d"
[ "$(benchfs run -d "$T/d2" -m "$mnt" -- cat "$mnt/f")" = kept ] || fail "run -d does not go on"
benchfs run --keep -m "$mnt" -- sh -c "echo kept too >$mnt/f" 2>"$T/err" || fail "run --keep"
dir=$(sed -n 's/.*run -d //p' "$T/err")
[ -d "$dir" ] || fail "--keep does not say where: $(cat "$T/err")"
[ "$(benchfs run -d "$dir" -m "$mnt" -- cat "$mnt/f")" = "kept too" ] || fail "--keep does not keep"
rm -rf "$dir"
check_real_is_empty "something went to the real directory"
