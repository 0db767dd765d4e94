#!/bin/sh
# MPI-IO under mpirun, with the preload library on every rank: independent,
# collective, by a shared file pointer, non-blocking, atomic; with Open MPI and
# MPICH, of which one may have begun to use UCX before us.
. "${0%/*}/lib.sh"
requires mpicc.mpich mpicc.openmpi
# MPICH alone, without BenchFS, hangs in MPI_Finalize in four of ten runs where
# its ranks have nothing but UCX's tcp (UCX 1.13).  Ours is tcp anyway.
[ "${UCX_TLS:-}" != tcp ] || unset UCX_TLS
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM

# ranks NAME COMMAND...: the program by four of them, and what it leaves.
ranks() {
	name=$1
	shift
	bfs sh -c 'mkdir "$0" && "$@" "$0" && ls -A "$0"' "$mnt/d" "$@" \
		>"$T/out" 2>&1 || { cat "$T/out"; fail "$name: $?"; }
	[ "$(cat "$T/out")" = fine ] || { cat "$T/out"; fail "$name"; }
}

for mpi in mpich openmpi; do
	mpicc.$mpi -O1 -o "$T/$mpi" "$srcdir/tests/system/mpi-io.c" ||
		fail "cannot compile with $mpi"
done
ranks MPICH mpirun.mpich -n 4 "$T/mpich"
set -- mpirun.openmpi --bind-to none --oversubscribe -n 4
ranks "Open MPI" "$@" "$T/openmpi"
ranks "Open MPI with ROMIO" "$@" --mca io romio321 "$T/openmpi"
ranks "Open MPI over UCX" "$@" --mca pml ucx --mca pml_ucx_tls any \
	--mca pml_ucx_devices any "$T/openmpi"
