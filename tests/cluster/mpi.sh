#!/bin/sh
# MPI on four nodes: two ranks on each, started by mpirun with nothing of the
# first node's environment but what `benchfs env` has Open MPI take along.
. "${0%/*}/lib.sh"
requires mpicc.openmpi mpicc.mpich
cluster 4 2
for mpi in openmpi mpich; do
	mpicc.$mpi -O1 -o "$T/$mpi" "$srcdir/tests/system/mpi-io.c" ||
		fail "cannot compile with $mpi"
done

# The first node's run directory is not on the others: each has its own.
mkdir "$T/real"
mount --bind "$run" "$T/real" || fail "mount: $?"
at_exit="$at_exit; umount $T/real"
for i in 1 2 3 4; do
	mkdir "$T/view.$i"
	ln -s "$T/real/n$i.0" "$T/view.$i/here"
done
cat >"$T/bin/agent" <<'END'
#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
i=${1##*.}
shift
exec node "$i" unshare --mount --uts sh -ec '
	hostname "n$1"
	mount --bind "$2/view.$1" "$run"
	exec env -i PATH="$PATH" HOME="$HOME" TMPDIR="$TMPDIR" \
		OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
		sh -c "$3"' agent "$i" "${BFS_NODES%/*}" "$*"
END
chmod +x "$T/bin/agent"
grep -q "OMPI_MCA_mca_base_env_list=.*BENCHFS_RUN_DIR" "$T/node/env.1" ||
	fail "Open MPI is not told: $(cat "$T/node/env.1")"
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM

on 1 mkdir "$mnt/d" || fail "mkdir: $?"
# ranks COMMAND...: eight of them, begun on the first node.
ranks() {
	on 1 timeout -k 10 "$limit" unshare --uts sh -c \
		'hostname n1; exec "$@"' sh "$@" "$mnt/d" >"$T/out" 2>&1 ||
		{ cat "$T/out"; fail "$1: $?"; }
	grep -qx fine "$T/out" || { cat "$T/out"; fail "$1"; }
	[ -z "$(on 3 ls -A "$mnt/d")" ] ||
		fail "$1 left $(on 3 ls -A "$mnt/d")"
}

hosts=10.77.0.1:2,10.77.0.2:2,10.77.0.3:2,10.77.0.4:2
ranks mpirun.openmpi --mca plm_rsh_agent "$T/bin/agent" \
	--mca oob_tcp_if_include eth0 --mca btl_tcp_if_include eth0 \
	--mca btl tcp,self --bind-to none -H $hosts -n 8 "$T/openmpi"
ranks mpirun.mpich -launcher ssh -launcher-exec "$T/bin/agent" \
	-localhost 10.77.0.1 -iface eth0 -hosts $hosts -n 8 "$T/mpich"
# All nodes took part: their daemons have had clients' calls.
benchfs status --json --run-dir "$T/real" >"$T/json" || fail "status: $?"
"$PY" -c '
import json, sys
s = json.load(open(sys.argv[1]))
for m in s["members"]:
    if m["name"].endswith(".0"):
        assert m["requests_local"] > 50, (m["name"], m["requests_local"])
' "$T/json" || fail "a node had nothing to do"
