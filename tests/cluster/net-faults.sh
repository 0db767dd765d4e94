#!/bin/sh
# F1, F2: what goes wrong between nodes while programs on all of them work: a
# daemon is stopped, or killed and started again, a node is cut off, its link
# becomes slow (50 ms, 1 % lost).  No call outlives its deadline, nothing that
# was acknowledged is wrong, and afterwards the same processes work on.  The
# daemon is the home of the file at work (replace: of some, history: of any), and
# a fault that no call has met fails the test.
#   net-faults.sh [FAULT[:WORKLOAD]...]    stop, kill, cut, slow; all of them
# WORKLOADS, SECS, SEED and PLACEMENT change what it does.  The data is striped
# in small chunks.
. "${0%/*}/lib.sh"
requires tail "$PY"
workloads=${WORKLOADS:-append strided readers tail replace history}
timeout=4 # seconds for a call
export BENCHFS_TIMEOUT=$timeout
late=1500 # ms more, for two cores that everybody wants
limit=900
faulty=$builddir/tests/cluster/faulty
cluster 4 2 -d "$T/data" -o network.timeout_secs=$timeout \
	-o storage.placement="${PLACEMENT:-stripe}" -o storage.chunk_size=64K

at_exit="[ \$status = 0 ] || tail -n 8 \"\$run\"/*/log >&2; $at_exit"

cat >"$T/resume" <<END
exec "$builddir/run" benchfs start --resume --launcher ssh --hosts 'n[1-4]' -n 2 \
	--run-dir "$run" -d "$T/data" -o network.bind_addr=eth0 \
	-o network.registry_dir="$T/registry" ${BENCHFS_TEST_OPTIONS:-} \
	-o network.timeout_secs=$timeout \
	-o storage.placement="${PLACEMENT:-stripe}" -o storage.chunk_size=64K
END

# begin KIND MEMBER, end KIND MEMBER; they leave in trouble what they did.
cat >"$T/bin/begin" <<'END'
#!/bin/sh -ex
exec 2>"$T/trouble"
node=${2%.*} node=${node#n}
case $1 in
stop) kill -STOP "$(cat "$run/$2/pid")" ;;
kill) kill -9 "$(cat "$run/$2/pid")" ;;
cut) ip link set "to$node" down ;;
slow)
	ip link set "to$node" nomaster
	ip link add slow type veth peer name slowbr
	ip link set slowbr master br0 up
	ip link set slow up
	"$builddir/tests/cluster/slow-link" "to$node" slow 50 10 >"$T/slow" &
	echo $! >"$T/slow.pid"
	i=0
	while [ ! -s "$T/slow" ] && [ $i -lt 500 ]; do sleep 0.01; i=$((i + 1)); done
	[ -s "$T/slow" ]
	;;
esac
END
cat >"$T/bin/end" <<'END'
#!/bin/sh -ex
exec 2>"$T/trouble"
node=${2%.*} node=${node#n}
case $1 in
stop) kill -CONT "$(cat "$run/$2/pid")" ;;
kill) sh "$T/resume" >"$T/resume.log" 2>&1 || { cat "$T/resume.log" >&2; exit 1; } ;;
cut) ip link set "to$node" up ;;
slow)
	kill "$(cat "$T/slow.pid")"
	ip link del slow
	ip link set "to$node" master br0
	rm "$T/slow"
	;;
esac
END
chmod +x "$T/bin/begin" "$T/bin/end"

i=0
for node in 1 2 3 4 1 2 3 4; do
	export "BENCHFS_TEST_NODE_$i=on $node"
	i=$((i + 1))
done

# file_of WORKLOAD: the one file that all are at work on, or nothing.
file_of() {
	case $1 in
	append) echo log0 ;;
	strided | readers) echo strided0 ;;
	tail) echo tail0 ;;
	esac
}

# home_of PATH: the member that has its inode, and its first chunk.
home_of() {
	on 1 sh -c ': >"$0" && exec "$builddir/run" benchfs layout --json "$0"' "$1" |
		"$PY" -c 'import json, sys
v = json.load(sys.stdin)
print((v[0] if isinstance(v, list) else v)["inode"]["member"])'
}

# held FAULT: milliseconds that a call takes at least that has met it.
held() {
	case $1 in
	kill) echo 500 ;; # until the daemon is back
	slow) echo 100 ;; # there and back
	*) echo 1000 ;;
	esac
}

# history FAULT MEMBER SECS: a checker of orders, over bytes on both sides of a
# chunk's border.
history() {
	rm -f "$T/end-history"
	BENCHFS_HISTORY_AT=65500 BENCHFS_HISTORY_END=$T/end-history
	export BENCHFS_HISTORY_AT BENCHFS_HISTORY_END
	"$builddir/tests/races/history" data "$dir" "$T/history" 1500 5 \
		"${SEED:-1}" >"$T/history.out" 2>&1 &
	pid=$!
	sleep 1
	rc=0
	begin "$1" "$2" && sleep "$3" && end "$1" "$2" || rc=$?
	sleep 4 # some rounds more
	: >"$T/end-history"
	wait $pid || rc=$?
	cat "$T/history.out"
	[ $rc = 0 ] && sed -n 's/.*longest \(.*\)\.\(..\) s$/\1\2/p' \
		"$T/history.out" | awk -v most="$((timeout * 100 + late / 10))" \
		-v least="$(($(held "$1") / 10))" \
		'{ n++; if ($1 > most || $1 < least) bad = 1 }
		END { exit bad || n != 1 }'
}

# A daemon that is stopped or cut off outlives the calls, one that is killed
# is back before.
secs() {
	case $1 in
	kill) echo 2 ;;
	slow) echo "${SECS:-5}" ;;
	*) echo $((timeout + 2)) ;;
	esac
}

bad=0 row=${SEED:-0}
[ $# -gt 0 ] || set -- stop kill cut slow
for what; do
	fault=${what%%:*}
	works=$workloads
	[ "$fault" = "$what" ] || works=${what#*:}
	for work in $works; do
		row=$((row + 1))
		member=n$((row % 4 + 1)).$((row / 4 % 2))
		dir=$mnt/$fault.$work
		on 1 mkdir "$dir" || fail "mkdir $dir: $?"
		name=$(file_of "$work")
		[ -z "$name" ] || member=$(home_of "$dir/$name")
		[ -n "$member" ] || fail "$dir/$name: who has it?"
		printf '%-4s of %s  ' "$fault" "$member"
		if [ "$work" = history ]; then
			history "$fault" "$member" "$(secs "$fault")" || bad=$((bad + 1))
		else
			"$faulty" "$work" "$dir" "$T/faulty" "$(secs "$fault")" \
				$((timeout * 1000 + late)) "$(held "$fault")" "begin $fault $member" \
				"end $fault $member" || bad=$((bad + 1))
		fi
		on 1 rm -rf "$dir" || fail "rm $dir: $?"
	done
done
[ $bad = 0 ] || { cat "$T/trouble"; fail "$bad of them"; }
check_real_is_empty net-faults
