#!/bin/sh
# BENCHFS_SYSCALLS: a Go program, which makes its system calls by itself, on
# many threads and with signal handlers on small stacks.
BENCHFS_TEST_MNT=/benchfs
. "${0%/*}/lib.sh"
requires go gcc

GOCACHE=$T/cache GOPATH=$T/path GO111MODULE=off GOFLAGS='' CGO_ENABLED=1
export GOCACHE GOPATH GO111MODULE GOFLAGS CGO_ENABLED
go build -o "$T/files" "$srcdir/tests/system/go/files.go" 2>"$T/err" ||
	skip "go cannot build: $(cat "$T/err")"
rc=0
"$builddir/benchfs" doctor "$T/files" >"$T/out" || rc=$?
[ $rc = 2 ] || fail "doctor of a Go program: $rc, $(cat "$T/out")"
"$builddir/benchfs" doctor --syscalls "$T/files" >"$T/out" ||
	fail "doctor --syscalls of a Go program: $?, $(cat "$T/out")"

run_options=--syscalls
both '"$T/files" "$D"'
run_options='--syscalls -o storage.max_storage_gb=1'
both '"$T/files" "$D"'
# without it nothing is served
run_options=
rc=0
bfs "$T/files" "$mnt" >"$T/out" 2>&1 || rc=$?
[ $rc != 0 ] || fail "served without being asked to"
grep -q 'calls the kernel by itself' "$T/out" || fail "no warning"

# a static one is not served, and is told so
CGO_ENABLED=0
cat >"$T/static.go" <<'END'
package main

import "os"

func main() {
	if os.WriteFile("/benchfs/x", []byte("x"), 0600) == nil {
		os.Exit(1)
	}
}
END
go build -o "$T/static" "$T/static.go" || fail "a static program"
run_options=--syscalls
bfs "$T/static" 2>"$T/out" || fail "a static program is served"
grep -q 'is statically linked' "$T/out" || fail "not told: $(cat "$T/out")"
