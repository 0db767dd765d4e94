#!/bin/sh
# How much of the network's bandwidth programs get: against the number of
# daemons, the size of a transfer and the placement, beside what ucx_perftest
# gets on the same link in the same minute; a sparse striped file of 100 GiB;
# 256 client processes on 16 daemons; and two daemons on two cores against one.
# Root only (nodes are namespaces); wants a quiet machine.
#	tests/bench/bandwidth.sh [table...]	nodes sparse many cores
# ROUNDS, MIB
. "${0%/*}/../cluster/lib.sh"
requires ucx_perftest dd "$PY"
rounds=${ROUNDS:-5} mib=${MIB:-256}
limit=1800
export rounds mib
echo "load $(cut -d' ' -f1 /proc/loadavg), $(nproc) cores, $(date +%F)"

# link: MiB/s of one UCX connection between two nodes over tcp, 1 MiB messages
link() {
	node 2 env UCX_TLS=tcp,self UCX_NET_DEVICES=eth0 \
		ucx_perftest -p 14000 >"$T/perf-server" 2>&1 &
	perf=$!
	for _ in $(seq 500); do
		node 2 ss -ltnH 2>/dev/null | grep -q ':14000' && break
		sleep 0.01
	done
	node 1 env UCX_TLS=tcp,self UCX_NET_DEVICES=eth0 \
		ucx_perftest 10.77.0.2 -p 14000 -t ucp_am_bw -s 1048576 \
		-n 2000 -f >"$T/perf" 2>&1 || { cat "$T/perf" >&2; return 1; }
	wait $perf || :
	# iterations, three overheads, bandwidth on average and over all
	awk '$1 ~ /^[0-9]+$/ && NF == 8 { print $6 }' "$T/perf"
}

stop_cluster() {
	benchfs stop --run-dir "$run" || fail "stop: $?"
	at_exit=:
	for i in $(seq "$nodes"); do
		kill "$(cat "$T/node/$i")"
		ip link del "to$i" 2>/dev/null || :
	done
	ip link del br0
}

cat >"$T/measure.py" <<'END'
"""measure.py MNT NODES CLIENTS DIR: MiB/s of dd on nodes 1 to CLIENTS at once."""
import os, statistics, sys, time
mnt, state, clients, where = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
rounds, mib = int(os.environ['rounds']), int(os.environ['mib'])

def start(node, args):
    return os.spawnvp(os.P_NOWAIT, 'on', ['on', str(node), 'dd', 'status=none', *args])

def all_at_once(args):
    begin = time.perf_counter()
    pids = [start(c + 1, args(c)) for c in range(clients)]
    bad = [os.waitpid(p, 0)[1] for p in pids]
    if any(bad):
        sys.exit(f'dd: {bad}')
    return time.perf_counter() - begin

def name(c):
    return f'{mnt}/{where}/f{c}'

def rate(size, total, way, after):
    """MiB/s; '-': cannot be told from the start of the programs."""
    os.environ['BENCHFS_DIRECT_AFTER'] = after
    # what starting costs, without data
    idle = statistics.median(all_at_once(lambda c: ['if=/dev/null', 'of=/dev/null']) for _ in range(rounds))
    all_at_once(lambda c: size + way(c))
    t = statistics.median(all_at_once(lambda c: size + way(c)) for _ in range(rounds))
    return f'{total * clients / (t - idle):.0f}' if t > idle * 1.1 else '-'

for kib in 4, 64, 1024:
    total = max(mib * min(kib, 1024) // 1024, 4)
    size = [f'bs={kib}k', f'count={total * 1024 // kib}']
    line = ''
    for after in '0', '1':
        for way in (lambda c: ['if=/dev/zero', 'of=' + name(c), 'conv=notrunc'],
                    lambda c: ['if=' + name(c), 'of=/dev/null']):
            line += f' {rate(size, total, way, after):>9}'
    print(f'{kib:6} {line}', flush=True)
END

nodes_table() {
	echo "MiB/s; share: of the link by ucx_perftest, 1 MiB"
	echo "relay: through the node's daemon; own: network.direct_after=1"
	echo "placement nodes clients   KiB   relay: write  read   own: write  read"
	for n in 1 2 4; do
		cluster "$n" 1
		[ "$n" = 1 ] || echo "link: $(link) MiB/s"
		for placement in whole stripe local; do
			on 1 mkdir "$mnt/$placement"
			on 1 "$PY" -c 'import os, sys
os.setxattr(sys.argv[1], "user.benchfs.placement", sys.argv[2].encode())
' "$mnt/$placement" $placement
			for clients in $(printf '1\n%s\n' "$n" | sort -un); do
				"$PY" "$T/measure.py" "$mnt" "$T/node" "$clients" \
					$placement | sed "s/^/$(printf '%-9s %5d %7d' \
					$placement "$n" "$clients")/"
			done
			on 1 rm -r "$mnt/$placement"
		done
		[ "$n" = 1 ] || echo "link: $(link) MiB/s"
		stop_cluster
	done
}

cat >"$T/sparse.py" <<'END'
import os, random, sys, time
path, size, step = sys.argv[1], 100 << 30, 1 << 20
r = random.Random(1)
at = sorted({r.randrange(size // step) * step + r.randrange(4096) for _ in range(300)})
at = [a for i, a in enumerate(at) if not i or a - at[i - 1] > step]
fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
os.ftruncate(fd, size)
block = {a: random.Random(a).randbytes(1 << 16) for a in at}
begin = time.perf_counter()
for a in r.sample(at, len(at)):
    assert os.pwrite(fd, block[a], a) == 1 << 16
wrote = time.perf_counter()
for a in at:
    assert os.pread(fd, 1 << 16, a) == block[a], a
    before = os.pread(fd, 4096, max(a - 4096, 0))
    assert before == bytes(len(before)), a
read = time.perf_counter()
st = os.fstat(fd)
assert st.st_size == size
holes, n = 0, 0
while n < size and (d := os.lseek(fd, n, os.SEEK_DATA) if holes < len(at) else -1) >= 0:
    n = os.lseek(fd, d, os.SEEK_HOLE)
    holes += 1
sought = time.perf_counter()
os.ftruncate(fd, 0)
os.unlink(path)
print(f'100 GiB, {len(at)} pieces of 64 KiB: write {wrote - begin:.2f} s, read with the holes before them '
      f'{read - wrote:.2f} s, {holes} SEEK_DATA and SEEK_HOLE {sought - read:.2f} s, '
      f'remove {time.perf_counter() - sought:.2f} s, {st.st_blocks // 2048} MiB on disk')
END
sparse_table() {
	cluster 4 2
	on 1 mkdir "$mnt/s"
	on 1 "$PY" "$T/sparse.py" "$mnt/s/big" || fail "sparse: $?"
	stop_cluster
}

cat >"$T/many.py" <<'END'
import os, sys, time
mnt, clients, each = sys.argv[1], 256, 4
def run(c):
    me, other = f'{mnt}/m/f{c}', f'{mnt}/m/f{(c + 101) % clients}'
    return ['on', str(c % 4 + 1), 'sh', '-c', f'dd if=/dev/zero of={me} bs=64k count={each * 16} status=none && '
            f'while [ ! -s {other} ]; do sleep 0.1; done && dd if={me} of=/dev/null bs=64k status=none && '
            f'dd if={other} of=/dev/null bs=64k count=1 status=none']
begin = time.perf_counter()
pids = [os.spawnvp(os.P_NOWAIT, 'on', run(c)) for c in range(clients)]
bad = sum(os.waitpid(p, 0)[1] != 0 for p in pids)
t = time.perf_counter() - begin
print(f'{clients} clients on 16 daemons, {each} MiB each written and read: {t:.1f} s, '
      f'{2 * clients * each / t:.0f} MiB/s, {bad} have failed')
sys.exit(bad != 0)
END
many_table() {
	cluster 4 4
	on 1 mkdir "$mnt/m"
	"$PY" "$T/many.py" "$mnt" || fail "many: $?"
	stop_cluster
}

# On one node, through the daemons: two must not be worse by more than what
# their messages cost.
cat >"$T/cores.py" <<'END'
import os, sys, time
mnt, seconds = sys.argv[1], 3.0
def work(k):
    fd = os.open(f'{mnt}/c{k}', os.O_RDWR | os.O_CREAT, 0o644)
    block, n, end = os.urandom(1 << 16), 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        os.pwrite(fd, block, n % 64 << 16)
        os.pread(fd, 1 << 16, n * 7 % 64 << 16)
        n += 1
    os.write(w, f'{n}\n'.encode())
r, w = os.pipe()
pids = []
for k in range(2):
    pid = os.fork()
    if not pid:
        work(k)
        os._exit(0)
    pids.append(pid)
assert not any(os.waitpid(p, 0)[1] for p in pids)
print(sum(int(x) for x in os.read(r, 100).split()))
END
cores_table() {
	ip link set lo up
	for n in 1 2; do
		calls=$(timeout 60 "$builddir/run" benchfs run -n $n -m "$mnt" \
			-o storage.placement=stripe -o storage.chunk_size=64K \
			-o storage.max_storage_gb=2 -- "$PY" "$T/cores.py" "$mnt")
		[ $n = 1 ] && one=$calls
		echo "2 clients, 64 KiB written and read, $n daemon(s): $((calls / 3)) pairs/s"
	done
	echo "two daemons to one: $(echo "$calls $one" | awk '{ printf "%.2f", $1 / $2 }')"
}

[ $# -gt 0 ] || set -- nodes sparse many cores
for table; do
	"${table}_table"
done
