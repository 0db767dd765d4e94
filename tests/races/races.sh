# shellcheck shell=sh
# Sourced first by the tests of races, which run several clients at once.
#   crew CMD ...   runs CMD, which starts the clients, on a BenchFS of its own
#                  with BENCHFS_TEST_DAEMONS daemons.  With BENCHFS_TEST_NODE_0,
#                  _1, ... BenchFS runs already, at $mnt: they are the words
#                  that bring a command to a node of it, with what the preload
#                  library needs.  Client i runs on node i modulo their number.
#   $dir           an empty directory in BenchFS that the clients may use
#   race NAME      runs a workload of race.def
#   $kept          if it is set, what is in $dir stays
# ROUNDS, CLIENTS and SEED change what a test does.
. "${0%/*}/../system/lib.sh"
races=$builddir/tests/races

# To be called again by who sets BENCHFS_TEST_NODE_0.
choose_dir() {
	dir=$mnt
	[ -z "${BENCHFS_TEST_NODE_0:-}" ] || dir=$mnt/$name.$$
}
choose_dir

crew() {
	if [ -z "${BENCHFS_TEST_NODE_0:-}" ]; then
		bfs "$@" || fail "$*: status $?"
		return
	fi
	# words are wanted
	# shellcheck disable=SC2086
	$BENCHFS_TEST_NODE_0 mkdir -p "$dir"
	timeout -k 10 "$limit" "$@" || fail "$*: status $?"
	# shellcheck disable=SC2086
	[ -n "${kept:-}" ] || $BENCHFS_TEST_NODE_0 rm -rf "$dir"
}

race() {
	crew "$races/race" "$1" "$dir" "$T/crew" "${ROUNDS:-0}" \
		"${CLIENTS:-0}" "${SEED:-1}"
}
