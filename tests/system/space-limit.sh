#!/bin/sh
# D4: storage.max_storage_gb is ENOSPC for the call that hits it; what was
# written stays, space returns, and statfs tells the limit.  A reload changes
# it; a file that is open then has one kind of locks all the time (S10).
. "${0%/*}/lib.sh"
requires "$PY"

# Each daemon has its own limit.
if [ "$daemons" -gt 1 ]; then
	cat >"$T/each.py" <<-'END'
		import errno, os, sys
		os.chdir(sys.argv[1])
		limit, all = int(sys.argv[2]), int(sys.argv[2]) * int(sys.argv[3])
		st = os.statvfs('.')
		assert abs(st.f_blocks * st.f_frsize - all) < int(sys.argv[3]) * st.f_frsize, st
		total = 0
		for i in range(40):  # until each has some
		    with open(f'f{i}', 'wb', buffering=0) as f:
		        try:
		            while True:
		                total += f.write(b'x' * 65536)
		        except OSError as e:
		            assert e.errno == errno.ENOSPC, e
		assert all - 65536 * int(sys.argv[3]) <= total <= all, (total, all)
		assert os.statvfs('.').f_bavail * st.f_frsize < 65536 * int(sys.argv[3])
		for i in range(40):
		    os.unlink(f'f{i}')
	END
	run_options="-o storage.max_storage_gb=0.01"
	bfs "$PY" "$T/each.py" "$mnt" 10737418 "$daemons" || fail "limits: $?"
	daemons=1
fi
limits() {
	run_options="-o storage.max_storage_gb=0.01 $*"
	bfs "$PY" "$py/space.py" "$mnt" 20000000 10737418 || fail "limit $*: $?"
}
limits
limits -o storage.use_iouring=false
# what was there before a start counts
run_options="-d $T/data -o storage.max_storage_gb=0.01"
bfs dd if=/dev/zero of="$mnt/f" bs=1M count=9 status=none || fail "fill: $?"
bfs dd if=/dev/zero of="$mnt/g" bs=1M count=2 status=none 2>"$T/err" &&
	fail "after a start the limit is another"
grep -q 'No space left' "$T/err" || fail "$(cat "$T/err")"
[ "${BENCHFS_TRANSPORT:-}" != ucx ] && [ "$far" != checksum ] || exit 0
echo 'storage: { max_storage_gb = 0; };' >"$T/conf"
run_options="-c $T/conf"
bfs "$PY" "$py/limit-reload.py" "$T/conf" "$mnt" || fail "reload: $?"
