#!/bin/sh
# Daemons on other nodes by ssh, srun and mpirun: stand-ins that run the command
# here, with the environment that the real ones would give it.
. "${0%/*}/../system/lib.sh"
at_exit='benchfs stop 2>/dev/null; :'
run=$T/far
mkdir "$T/bin"
export HOME="$T/home"
unset BENCHFS_DAEMON

# ssh: a new environment; hosts called dead* do not answer, bad* have no benchfs.
cat >"$T/bin/ssh" <<END
#!/bin/sh
while [ "\${1#-}" != "\$1" ]; do shift; done
host=\$1
shift
echo "\$host" >>"$T/calls"
case \$host in
dead*) echo "ssh: connect to host \$host port 22: No route to host" >&2; exit 255 ;;
bad*) echo "sh: 1: benchfs: not found" >&2; exit 127 ;;
mute*) exec sleep 100 ;;
esac
echo "Welcome to \$host!"
exec env -i PATH="$PATH" HOME="$HOME" sh -c "\$*"
END

# srun: all nodes of the list, standard input from nowhere.
cat >"$T/bin/srun" <<END
#!/bin/sh
echo srun "\$@" >>"$T/calls"
while [ "\${1#-}" != "\$1" ]; do
	case \$1 in --nodelist=*) list=\${1#*=} ;; esac
	shift
done
trap 'kill \$pids; wait' TERM
for node in \$(echo \$list | tr , ' '); do
	case \$node in dead*) echo "srun: error: \$node" >&2; exit 1 ;; esac
	SLURMD_NODENAME=\$node "\$@" </dev/null & pids="\$pids \$!"
done
wait
END

# mpirun -n N -host a,b
cat >"$T/bin/mpirun" <<END
#!/bin/sh
echo mpirun "\$@" >>"$T/calls"
n=\$2
shift 4
trap 'kill \$pids; wait' TERM
rank=0
while [ \$rank -lt \$n ]; do
	OMPI_COMM_WORLD_RANK=\$rank "\$@" </dev/null & pids="\$pids \$!"
	rank=\$((rank + 1))
done
wait
END
chmod +x "$T"/bin/*
PATH=$T/bin:$PATH

benchfs() {
	timeout -k 10 "$limit" "$builddir/run" benchfs "$@" --run-dir "$run"
}

refuses() {
	want=$1 text=$2 rc=0
	shift 2
	benchfs "$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
	[ $rc = "$want" ] ||
		{ cat "$T/err"; fail "benchfs $*: status $rc, not $want"; }
	grep -qF -e "$text" "$T/err" ||
		{ cat "$T/err"; fail "benchfs $*: does not say \"$text\""; }
	[ -z "$(find "$T/home" -type f)" ] ||
		fail "benchfs $*: left $(find "$T/home" -type f)"
	[ ! -e "$run" ] || [ -z "$(find "$run" -mindepth 1)" ] ||
		fail "benchfs $*: left $(find "$run")"
}

# works HOW: two daemons on each of three nodes, by names out of order.
works() {
	: >"$T/calls"
	benchfs start --launcher "$1" --hosts 'n10,n[1-2]' -n 2 ||
		fail "$1: start: $?"
	benchfs status >"$T/out" || fail "$1: status: $?"
	grep -q '6 of 6 daemons up' "$T/out" || fail "$1: $(cat "$T/out")"
	[ "$(sed -n 's/^\(n[0-9.]*\) *\(n[0-9]*\) .*/\1 \2/p' "$T/out" |
		tr '\n' ,)" = \
		"n1.0 n1,n1.1 n1,n2.0 n2,n2.1 n2,n10.0 n10,n10.1 n10," ] ||
		fail "$1: members: $(cat "$T/out")"
	# each node is led to its own first daemon, and all see the same
	for node in n1 n2 n10; do
		BENCHFS_NODE_NODE_ID=$node benchfs env -m "$mnt" >"$T/env"
		grep -q "RUN_DIR='$run/$node.0'" "$T/env" ||
			fail "$1: env on $node"
		# shellcheck disable=SC2016
		(. "$T/env" && exec sh -c 'echo $0 >$mnt/$0; cat $mnt/n*' \
			$node) >"$T/out" || fail "$1: on $node: $?"
	done
	[ "$(tr '\n' , <"$T/out")" = n1,n10,n2, ] ||
		fail "$1: n10 sees $(cat "$T/out")"
	pids=$(cat "$run"/*/pid)
	benchfs stop || fail "$1: stop: $?"
	for pid in $pids; do
		! alive "$pid" || fail "$1: $pid lives after stop"
	done
	[ -z "$(find "$run" -mindepth 1)" ] || fail "$1: left $(find "$run")"
	[ -z "$(find "$T/home" -type f)" ] || fail "$1: left $(find "$T/home")"
}

works local
[ ! -s "$T/calls" ] || fail "local: called $(cat "$T/calls")"
works ssh
[ "$(sort "$T/calls" | uniq -c | awk '{ print $1, $2 }' | tr '\n' ,)" = \
	"3 n1,3 n10,3 n2," ] || fail "ssh: $(cat "$T/calls")"
works srun
grep -q 'srun.*--nodes=3.*--ntasks=3.*--nodelist=n1,n2,n10 ' "$T/calls" ||
	fail "srun: $(cat "$T/calls")"
works mpirun
grep -q 'mpirun -n 3 -host n1,n2,n10 ' "$T/calls" ||
	fail "mpirun: $(cat "$T/calls")"

# A node that fails: its last words, and the others are stopped.
refuses 69 'No route to host' start --launcher ssh --hosts n1,dead7,n2
grep -q 'ssh on dead7 failed' "$T/err" || fail "which host: $(cat "$T/err")"
refuses 69 'benchfs: not found' start --launcher ssh --hosts n1,bad1
refuses 75 'members have not come up within 1 seconds: mute1' \
	start --launcher ssh --hosts n1,mute1 -o network.join_secs=1
refuses 69 'srun on the nodes failed' start --launcher srun --hosts n1,dead7

# What the batch system says.
unset SLURM_JOB_NODELIST PBS_NODEFILE
SLURM_JOB_NODELIST='n[08-10],m1' benchfs start -n 1 || fail "Slurm: $?"
benchfs status | grep -q '4 of 4' || fail "Slurm: $(benchfs status)"
grep -q 'srun.*--nodelist=m1,n08,n09,n10 ' "$T/calls" || fail "not by srun"
benchfs stop || fail "stop: $?"
printf 'n1\nn1\nn2\nn2\n' >"$T/nodes"
: >"$T/calls"
PBS_NODEFILE=$T/nodes benchfs start -n 1 || fail "PBS: $?"
benchfs status | grep -q '2 of 2' || fail "PBS: $(benchfs status)"
[ "$(sort -u "$T/calls" | tr '\n' ,)" = n1,n2, ] || fail "not by ssh"
benchfs stop || fail "stop: $?"

# A run over nodes, one of which is ours.
us=$(hostname)
timeout -k 10 "$limit" "$builddir/run" benchfs run --launcher ssh \
	--hosts "n1,$us" -n 2 --run-dir "$run" -- benchfs status >"$T/out" ||
	fail "run: $?"
grep -q '4 of 4' "$T/out" || fail "run: $(cat "$T/out")"
[ -z "$(find "$run" -mindepth 1)" ] || fail "run: left $(find "$run")"
