#!/bin/sh
# storage.checksum: a bit that the disk flips in any kind of file is EIO for who
# reads it, by whatever way, with node, file and offset in the log; never wrong
# bytes.  benchfs scrub finds it, on daemons that run and on directories, and
# nothing else.  On one daemon, and striped over three.
. "${0%/*}/lib.sh"
requires "$PY"
[ "$daemons" = 1 ] || skip "starts its own daemons"
[ "${BENCHFS_TRANSPORT:-}" != ucx ] || skip "starts its own daemons"
BENCHFS_STORAGE_CHECKSUM=false
export BENCHFS_STORAGE_CHECKSUM

b() { timeout -k 10 "$limit" "$builddir/run" benchfs "$@"; }
rd=$T/rd
at_exit='b stop --run-dir "$rd" >/dev/null 2>&1; :'
inside() (
	eval "$(b env --run-dir "$rd" -m "$mnt")"
	exec timeout -k 10 "$limit" "$@"
)
files() { inside "$PY" "$py/checksum.py" "$@"; }
# scrub STATUS ARGS...: with that exit status; what it says in $T/scrub
scrub() {
	want=$1 got=0
	shift
	b scrub "$@" >"$T/scrub" 2>"$T/scrub.err" || got=$?
	[ "$got" = "$want" ] || fail "scrub $*: $got, not $want: $(cat "$T/scrub" "$T/scrub.err")"
}
logs() { cat "$rd/log" "$rd"/*/log 2>/dev/null || :; }
# told FILE INO OFFSET: the log has it
told() {
	logs >"$T/logs"
	grep -F "damaged content on node $(uname -n): the checksum does not match at offset $3 of file " "$T/logs" |
		grep -F "inode $2, data file $T/data/" | grep -qF "$1" || fail "the log does not tell of $1: $(tail -n 5 "$T/logs")"
}

for n in 1 3; do
	options="-n $n -o storage.checksum=on"
	path=/
	# the shard that has the chunk may not know the name
	[ $n = 1 ] || options="$options -o storage.placement=stripe -o storage.chunk_size=64K" path=
	rm -rf "$T/data"
	# word splitting is wanted
	# shellcheck disable=SC2086
	b start --run-dir "$rd" -d "$T/data" $options || fail "start $n"
	files make "$mnt" || fail "make"
	files read "$mnt" || fail "undamaged"
	[ "$(inside "$mnt/script")" = ran ] || fail "script"
	scrub 0 --run-dir "$rd"
	grep -q ' 0 damages: clean' "$T/scrub" || fail "$(cat "$T/scrub")"
	for file in plain:0 plain:33333 small:3 appended:29999 mapped:8192 \
		cut:9000 two-parts:10001 synced:4096 big:2000000 big:70000; do
		at=${file#*:} file=${file%:*}
		block=$((at / 4096 * 4096))
		ino=$(inside stat -c %i "$mnt/$file")
		"$PY" "$py/checksum.py" flip "$T/data" "$ino" "$at" || fail "damage $file"
		files read "$mnt" "$file" "$at" || fail "$n daemons, $file at $at"
		told "${path:+$path$file}" "$ino" "$block"
		scrub 4 --run-dir "$rd" --json
		"$PY" "$py/checksum.py" found "$T/scrub" "$ino" "$block" || fail "scrub: $(cat "$T/scrub")"
		files again "$mnt" "$file" || fail "$file anew"
		files read "$mnt" || fail "$file was written anew"
	done
	ino=$(inside stat -c %i "$mnt/script")
	"$PY" "$py/checksum.py" flip "$T/data" "$ino" 12
	inside "$mnt/script" >"$T/out" 2>&1 && fail "a damaged program runs: $(cat "$T/out")"
	inside rm "$mnt/script"

	# over a restart, and on directories
	ino=$(inside stat -c %i "$mnt/plain")
	b stop --run-dir "$rd" || fail "stop"
	scrub 0 -d "$T/data"
	"$PY" "$py/checksum.py" flip "$T/data" "$ino" 100
	scrub 4 -d "$T/data"
	grep -q 'checksum does not match: 4096 bytes at offset 0' "$T/scrub" || fail "$(cat "$T/scrub")"
	b fsck -d "$T/data" >"$T/out" || fail "fsck: $? $(cat "$T/out")"
	# shellcheck disable=SC2086
	b start --run-dir "$rd" -d "$T/data" $options || fail "start $n again"
	files read "$mnt" plain 100 || fail "damage of before a restart"
	inside sh -c 'rm "$0"/*' "$mnt" || fail "rm"
	for _ in $(seq 500); do
		left=$(find "$T/data" -path '*/sums/??/*' -type f)
		[ -n "$left" ] || break
		sleep 0.02
	done
	[ -z "$left" ] || fail "left: $left"
	b stop --run-dir "$rd" || fail "stop"
done

# switched off, the sums go
b start --run-dir "$rd" -d "$T/data" -n 3 || fail "start without"
[ -z "$(find "$T/data" -name sums)" ] || fail "sums without the setting"
scrub 0 --run-dir "$rd"
grep -q 'there are no checksums' "$T/scrub.err" || fail "$(cat "$T/scrub.err")"
b stop --run-dir "$rd"
scrub 16 --run-dir "$T/none"
scrub 8 "$T/none"

# daemons at work: nothing is found that is not there
rm -rf "$T/data"
b start --run-dir "$rd" -d "$T/data" -o storage.checksum=on || fail "start"
files busy "$mnt" "$T/end" &
for _ in $(seq 20); do
	scrub 0 --run-dir "$rd"
done
touch "$T/end"
wait $! || fail "busy"
scrub 0 --run-dir "$rd"
blocks=$(sed -n 's/.* files, \([0-9]*\) blocks are right.*/\1/p' "$T/scrub")
[ "$blocks" -gt 10 ] || fail "$(cat "$T/scrub")"
