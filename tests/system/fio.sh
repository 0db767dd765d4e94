#!/bin/sh
# fio with verification: each engine writes blocks, reads them and checks them,
# whether the file is passed through or not.
. "${0%/*}/lib.sh"
requires fio

# where fio leaves its state after an error
cd "$T"
fio --enghelp >"$T/engines"

# job THREAD ENGINE...: all of them at once, each on a file of its own
job() {
	cat >"$T/job" <<END
[global]
size=1m
bs=4k
rw=randrw
verify=crc32c
verify_fatal=1
randrepeat=1
fallocate=none
iodepth=4
thread=$1
END
	shift
	for engine; do
		grep -qw "$engine" "$T/engines" || continue
		printf '[%s]\nioengine=%s\nfilename=%s\n' "$engine" "$engine" \
			"$mnt/f.$engine" >>"$T/job"
	done
	rc=0
	bfs fio --aux-path="$T" --output="$T/out" "$T/job" >"$T/log" 2>&1 || rc=$?
	[ $rc -ne 0 ] || return 0
	cat "$T/log" "$T/out" >&2
	fail "fio $*: $rc"
}

job 1 psync sync vsync pvsync pvsync2 mmap posixaio
job 0 psync mmap
job 1 libaio
# through the daemon; a limit on space allows no shared writable mapping
run_options="$run_options -o storage.max_storage_gb=1"
job 1 psync sync vsync pvsync pvsync2 posixaio
job 0 psync posixaio
job 1 libaio
# the verification of this test: a changed block must be found
cat >"$T/bad" <<END
fio --aux-path="$T" --name=w --filename=$mnt/v --size=64k --bs=4k --rw=write --verify=crc32c --do_verify=0 --thread --minimal >/dev/null
printf XXXX | dd of=$mnt/v bs=1 seek=5000 conv=notrunc status=none
fio --aux-path="$T" --name=r --filename=$mnt/v --size=64k --bs=4k --rw=write --verify=crc32c --verify_only --thread --minimal >/dev/null 2>&1
END
bfs sh "$T/bad" && fail "a wrong block was not noticed"
exit 0
