#!/bin/sh
# What BENCHFS_SYSCALLS costs: calls by libc and past it, without BenchFS, with
# it, and with calls past libc caught.  A call past libc without BENCHFS_SYSCALLS
# is about a real file.
#   tests/bench/syscalls.sh [ROUNDS]
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
builddir=${builddir:-$here}
raw=$builddir/tests/system/raw
n=${1:-300000}
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT

echo "without BenchFS"
"$raw" time "$n" "$T/f"
echo "with BenchFS, a real file"
"$builddir/run" benchfs run -- "$raw" time "$n" "$T/f"
echo "with BENCHFS_SYSCALLS, a real file"
"$builddir/run" benchfs run --syscalls -- "$raw" time "$n" "$T/f"
echo "with BENCHFS_SYSCALLS, a file in BenchFS"
"$builddir/run" benchfs run --syscalls -- "$raw" time "$n" /benchfs/f
