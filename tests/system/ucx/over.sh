# shellcheck shell=sh
# Runs a system test over UCX.  TRANSPORT-TEST.sh, sourcing this, runs
# ../TEST.sh over TRANSPORT, which is tcp or shm.
name=$(basename "$0" .sh)
BENCHFS_TRANSPORT=ucx UCX_TLS=${name%%-*}
export BENCHFS_TRANSPORT UCX_TLS
exec "${0%/*}/../${name#*-}.sh"
