#!/bin/sh
# A thousand forks that share descriptors; a chain of forks and of execs; vfork.
. "${0%/*}/lib.sh"

# over UCX every process has a connection to make: fewer of them
count=1000
[ "${BENCHFS_TRANSPORT:-}" != ucx ] || count=200
export count
both '"$helpers/forks" "$D" "$count"; rm "$D/taken"; cat "$D"/child* | wc -c'
both '
cd "$D"; echo 0 >n
deeper() {
	[ "$1" -gt 0 ] || { cat n; return; }
	(deeper $(($1 - 1)); echo "$1" >>n)
}
deeper 40; wc -l n
cat >chain <<"END"
[ "$1" -gt 0 ] || exit 7
echo "$1" >&3; read -r x <&4; echo "$x" >>seen
exec sh chain $(($1 - 1))
END
seq 40 >lines; rc=0; sh chain 30 3>log 4<lines || rc=$?; echo $rc; md5sum log seen
i=0; while [ $i -lt 150 ]; do (echo $i >>sub); i=$((i + 1)); done; md5sum sub
mkfifo gate; (read -r x <gate; cat n) & kill -9 $!; wait $! || echo "killed $?"; cat n | tail -n 1
'
