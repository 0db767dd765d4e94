#!/bin/sh
# A program with much data of other nodes' files goes to their daemons by itself
# (preload/direct.h): one UCX for all of them, none in a child that a fork has
# made, and the node's daemon where that fails: no module, a daemon that is
# killed and comes back (F1, F2), one that is stopped, whose late calls must not
# land (R26).  Connections that are not used are closed.  What is mapped and stored into on the node is read there (D2a).
. "${0%/*}/lib.sh"
requires "$PY"
timeout=3
idle=3
BENCHFS_TIMEOUT=$timeout BENCHFS_DIRECT_AFTER=1M BENCHFS_DIRECT_IDLE=$idle
export BENCHFS_TIMEOUT BENCHFS_DIRECT_AFTER BENCHFS_DIRECT_IDLE
cluster 4 1 -d "$T/data" -o network.timeout_secs=$timeout \
	-o storage.chunk_size=64K -o network.direct_idle_secs=$idle
cat >"$T/bin/kill-n2" <<END
#!/bin/sh
kill -9 "\$(cat "$run/n2/pid")"
END
cat >"$T/bin/stop-n2" <<END
#!/bin/sh
kill -"\$1" "\$(cat "$run/n2/pid")"
END
cat >"$T/bin/resume" <<END
#!/bin/sh
BENCHFS_TEST_INSIDE=1
exec timeout 60 "$builddir/run" benchfs start --resume --launcher ssh \
	--hosts 'n[1-4]' -n 1 --run-dir "$run" -d "$T/data" \
	-o network.bind_addr=eth0 -o network.registry_dir="$T/registry" \
	${BENCHFS_TEST_OPTIONS:-} -o network.timeout_secs=$timeout \
	-o storage.chunk_size=64K -o network.direct_idle_secs=$idle
END
chmod +x "$T/bin/kill-n2" "$T/bin/stop-n2" "$T/bin/resume"
at_exit="[ \$status = 0 ] || tail -n 8 \"\$run\"/*/log >&2; $at_exit"

# layout POLICY NODE: a directory whose files lie so, made there
layout() {
	on 1 mkdir "$mnt/$1"
	on 1 "$PY" -c 'import os, sys
os.setxattr(sys.argv[1], "user.benchfs.placement", sys.argv[2].encode())' \
		"$mnt/$1" "$1" || fail "placement $1"
}
layout local
layout stripe
on 2 dd if=/dev/urandom of="$mnt/local/far" bs=1M count=8 status=none
on 2 cp "$mnt/local/far" "$mnt/stripe/far"
on 2 cp "$mnt/local/far" "$T/far"

for what in ways idle fork module never mapped kill stop; do
	on 1 "$PY" "$srcdir/tests/cluster/direct.py" $what "$mnt" "$T/far" ||
		fail "$what: $?"
done
check_real_is_empty direct
