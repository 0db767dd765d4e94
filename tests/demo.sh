#!/bin/sh
# The main job on real input.  Without arguments: run it on an embedded
# BenchFS of this build tree (./bootstrap demo).  "demo.sh inside DIR": the
# work itself in DIR, which may also be a plain directory, to compare with.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
headers=${DEMO_HEADERS:-/usr/include}
prefix=${BENCHFS_MOUNT:-/benchfs}

fail() {
	echo "demo: FAILED: $*" >&2
	exit 1
}

now() {
	date +%s.%N
}

# since T: the seconds from T until now.
since() {
	echo "$(now) $1" | awk '{ printf "%.1f", $1 - $2 }'
}

# What is in the real directory of the prefix's name, if there is one.
real_prefix() {
	find "$prefix" -mindepth 1 2>/dev/null | sort
}

outside() {
	before=$(real_prefix)
	status=0
	"$top/run" benchfs run -m "$prefix" -- \
		sh "$top/tests/demo.sh" inside "$prefix" || status=$?
	[ "$(real_prefix)" = "$before" ] ||
		fail "something went to the real $prefix"
	[ "$status" = 0 ] || exit "$status"
	if [ -e "$prefix" ]; then
		echo "the real $prefix is as it was"
	else
		echo "there still is no real $prefix"
	fi
}

# step TITLE FUNCTION: run it with its output in the log, and say how long.
step() {
	title=$1
	begin=$(now)
	shift
	# Not "( ... ) ||": that would switch -e off inside.
	set +e
	(
		set -e
		"$@"
	) >>"$log" 2>&1
	status=$?
	set -e
	if [ $status != 0 ]; then
		tail -n 40 "$log" >&2
		fail "$title (all of its output: $log)"
	fi
	printf '%-48s %8s s\n' "$title" "$(since "$begin")"
}

# counter NAME: the daemon's count; 0 where there is no daemon.
counter() {
	[ -n "${counted:-}" ] || { echo 0; return; }
	sed -n "s/.*\"$1\":\\([0-9]*\\).*/\\1/p" "$work/status"
}

ask_daemon() {
	[ -z "${counted:-}" ] || benchfs status --json >"$work/status"
}

# The names of the project's files, NUL between them.
project_files() {
	if git -C "$top" rev-parse --git-dir >/dev/null 2>&1; then
		git -C "$top" ls-files -z
	else
		(cd "$top" && find . -type f ! -path './.git/*' \
			! -name '*.o' ! -name '*.lo' ! -path '*/.libs/*' -print0)
	fi
}

copy_project() {
	mkdir "$dir/benchfs"
	project_files >"$work/names"
	(cd "$top" && xargs -0 cp -a --parents -t "$dir/benchfs" <"$work/names")
	(cd "$top" && xargs -0 sha256sum <"$work/names" >"$work/sums")
	cd "$dir/benchfs"
	sha256sum -c --quiet "$work/sums"
	find . -type f -print0 | tr -dc '\0' | wc -c >"$work/found"
	[ "$(cat "$work/found")" = "$(tr -dc '\0' <"$work/names" | wc -c)" ]
}

# Inodes below a directory: hard links count once.
inodes() {
	find "$1" -printf '%D:%i\n' | sort -u | wc -l
}

copy_headers() {
	ask_daemon
	creates=$(counter creates)
	cp -a "$headers" "$dir/include"
	ask_daemon
	creates=$(($(counter creates) - creates))
	found=$(inodes "$dir/include")
	[ "$(find "$headers" -type f | wc -l)" -ge 1000 ] ||
		{ echo "fewer than 1000 files in $headers"; return 1; }
	[ "$found" = "$(inodes "$headers")" ]
	# The daemon has made as many inodes as there are to be found.
	[ -z "${counted:-}" ] || [ "$creates" = "$found" ] ||
		{ echo "daemon: $creates creates, find: $found"; return 1; }
	diff -r --no-dereference "$headers" "$dir/include"
	(cd "$headers" && find . -printf './%P %y %m %s %T@ %l\n' | sort) \
		>"$work/a"
	(cd "$dir/include" && find . -printf './%P %y %m %s %T@ %l\n' | sort) \
		>"$work/b"
	# The size of a directory is the file system's own affair.
	for list in a b; do
		awk '$2 == "d" { $4 = "" } { print }' "$work/$list" \
			>"$work/$list.cut"
	done
	cmp "$work/a.cut" "$work/b.cut"
}

build_project() {
	cd "$dir/benchfs"
	autoreconf -i
	./configure CFLAGS=-O1
	make -j"${JOBS:-$(nproc)}"
	# What was built there runs from there.
	make tests/unit/test_config
	tests/unit/test_config
	./benchfs config show >"$work/show"
	grep -q chunk_size "$work/show"
}

as_demo() {
	git -c user.name=demo -c user.email=demo@example.org \
		-c init.defaultBranch=main -c core.quotePath=false "$@"
}

git_project() {
	mkdir "$dir/repo"
	(cd "$top" && xargs -0 cp -a --parents -t "$dir/repo" <"$work/names")
	cd "$dir/repo"
	as_demo init -q
	as_demo add -A -f
	as_demo commit -q -m 'all of it'
	[ "$(git ls-files -z | tr -dc '\0' | wc -c)" = "$(cat "$work/found")" ]
	echo change >>README.md
	as_demo commit -q -a -m 'a change'
	as_demo gc -q
	as_demo clone -q "$dir/repo" "$dir/clone"
	git fsck --full --strict
	git -C "$dir/clone" fsck --full --strict
	[ -z "$(git -C "$dir/clone" status --porcelain)" ]
	diff -r -x .git "$dir/repo" "$dir/clone"
}

# A writer and readers at the same time, through the write-ahead log.
sqlite_wal() {
	db=$dir/demo.db
	[ "$(sqlite3 "$db" 'pragma journal_mode=wal')" = wal ]
	sqlite3 "$db" 'create table t(id integer primary key, a text, b blob)'
	sqlite3 "$db" "with recursive n(i) as (select 1 union all select i+1
		from n where i < 20000) insert into t
		select i, hex(randomblob(16)), randomblob(64) from n"
	for i in 1 2 3; do
		sqlite3 -cmd '.timeout 20000' "$db" \
			"insert into t(a) values('from $i')" \
			'select count(*) from t' &
	done
	wait
	[ "$(sqlite3 "$db" 'select count(*) from t')" = 20003 ]
	sqlite3 "$db" 'create index ti on t(a); delete from t where id % 3 = 0'
	sqlite3 "$db" 'pragma wal_checkpoint(truncate)'
	sqlite3 "$db" vacuum
	[ "$(sqlite3 "$db" 'pragma integrity_check')" = ok ]
	[ "$(sqlite3 "$db" 'select count(*) from t')" = 13336 ]
}

tar_headers() {
	tar -C "$dir" -cf "$dir/include.tar" include
	mkdir "$dir/untar"
	tar -C "$dir/untar" -xf "$dir/include.tar"
	tar -C "$dir/untar" -df "$dir/include.tar"
	diff -r --no-dereference "$dir/include" "$dir/untar/include"
	cmp "$dir/include.tar" "$(tar -C "$headers/.." -cf "$work/real.tar" \
		"$(basename "$headers")" && echo "$work/real.tar")" ||
		echo "(the archives differ in the order of names: allowed)"
}

remove_copy() {
	ask_daemon
	removes=$(counter removes)
	found=$(inodes "$dir/untar")
	rm -r "$dir/untar"
	[ ! -e "$dir/untar" ]
	ask_daemon
	removes=$(($(counter removes) - removes))
	[ -z "${counted:-}" ] || [ "$removes" = "$found" ] ||
		{ echo "daemon: $removes removes, find: $found"; return 1; }
}

# What the daemon counted, by the path that served it.
paths() {
	awk -v data="$(tr -d '{}"' <"$work/status" | tr ',' '\n')" 'BEGIN {
		n = split(data, line, "\n")
		for (i = 1; i <= n; i++) {
			split(line[i], part, ":")
			c[part[1]] = part[2]
		}
		printf "requests to the daemon    %d over shared memory, %d over UCX\n",
			c["requests_local"], c["requests_ucx"]
		printf "inodes                    %d made, %d removed\n",
			c["creates"], c["removes"]
		printf "files opened              %d as the data file itself, %d through the daemon\n",
			c["opens_pass"], c["opens_daemon"]
		printf "on data files directly    %d reads of %.0f MB, %d writes of %.0f MB\n",
			c["client_pass_reads"], c["client_pass_read_bytes"] / 1e6,
			c["client_pass_writes"], c["client_pass_write_bytes"] / 1e6
		printf "through the daemon        %.0f MB read, %.0f MB written\n",
			c["bytes_read"] / 1e6, c["bytes_written"] / 1e6
	}'
}

summary() {
	ask_daemon
	echo
	printf '%s files and directories, %s bytes in %s\n' \
		"$(find "$dir" | wc -l)" "$(du -sb "$dir" | cut -f1)" "$dir"
	[ -z "${counted:-}" ] || paths
	printf 'all of it took            %s s\n' "$(since "$start")"
}

inside() {
	dir=$1
	start=$(now)
	counted=${BENCHFS_RUN_DIR:-}
	mkdir -p "$dir"
	[ -z "$(ls -A "$dir")" ] || fail "$dir is not empty"
	work=$(mktemp -d "${TMPDIR:-/tmp}/benchfs-demo.XXXXXX")
	log=$work/log
	# Nothing of the caller's build or git settings must decide here.
	unset MAKEFLAGS MAKELEVEL MFLAGS GIT_DIR CONFIG_SITE
	export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null LC_ALL=C
	step "copy the project, compare checksums" copy_project
	step "copy $headers, compare everything" copy_headers
	step "build the project in $dir, run a program of it" build_project
	step "git: init, add, commit, gc, clone, fsck" git_project
	step "sqlite3: write-ahead log, integrity_check" sqlite_wal
	step "tar, untar, compare" tar_headers
	step "rm -r" remove_copy
	summary
	rm -rf "$work"
}

case ${1:-outside} in
inside)
	inside "${2:?demo.sh inside DIR}"
	;;
outside)
	outside
	;;
*)
	fail "usage: demo.sh [inside DIR]"
	;;
esac
