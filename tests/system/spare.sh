#!/bin/sh
# An idle daemon has as many data files as there are files: those that it makes
# ahead of a stream of creations, and those of what was removed, have gone.
. "${0%/*}/lib.sh"
requires "$PY"

# In memory, where that can be: a disk is slow enough for no stream to be one.
data=$T/data
if [ -w /dev/shm ]; then
	data=$(mktemp -d /dev/shm/bfs-spare.XXXXXX)
	# shellcheck disable=SC2034 # lib.sh runs it
	at_exit='rm -rf "$data"'
fi
# shellcheck disable=SC2034 # lib.sh uses it
run_options="-d $data/d ${BENCHFS_TEST_OPTIONS:-}"
cat >"$T/spare.py" <<'EOF'
import glob, os, sys, time
top, data = sys.argv[1:]

def data_files():
    return len(glob.glob(f'{data}/**/data/??/*', recursive=True))

def idle(n, what):
    end = time.monotonic() + 30
    while data_files() != n:
        if time.monotonic() > end:
            sys.exit(f'{what}: {data_files()} data files, not {n}')
        time.sleep(0.01)

for n in range(500):
    os.close(os.open(f'{top}/{n}', os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
idle(500, 'made')
for n in range(300):
    os.unlink(f'{top}/{n}')
idle(200, 'removed')
for n in range(300):
    os.close(os.open(f'{top}/{n}', os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    os.unlink(f'{top}/{n}')
idle(200, 'made and removed')
EOF
bfs "$PY" "$T/spare.py" "$mnt" "$data/d"
