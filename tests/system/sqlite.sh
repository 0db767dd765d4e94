#!/bin/sh
# sqlite3: rollback journal and WAL, two processes at once, integrity_check.
. "${0%/*}/lib.sh"
requires sqlite3

both '
cd "$D"
for mode in delete truncate persist memory wal; do
	db=$mode.db
	sqlite3 $db "pragma journal_mode=$mode;
		create table t(a integer primary key, b);
		begin; with recursive c(x) as (select 1 union all select x+1 from c where x < 2000)
		insert into t select x, hex(x*x) from c; commit;
		update t set b = upper(b) where a % 7 = 0; delete from t where a % 5 = 0;
		begin; insert into t values (-1, 0); rollback;
		select count(*), sum(a), max(b) from t; pragma integrity_check;"
	sqlite3 $db "vacuum; select count(*) from t; create index i on t(b); pragma integrity_check"
	sqlite3 $db .dump | md5sum
done
sqlite3 wal.db ".backup copy.db"; sqlite3 copy.db "select count(*) from t"
sqlite3 copy.db ".timeout 100" "attach \"delete.db\" as o; select count(*) from o.t join t using (a)"
rm -f *.db*
'
# two writers and a reader; every insert must be there once
for mode in delete wal; do
	export mode
	both '
cd "$D"
sqlite3 db "pragma journal_mode=$mode; create table t(p, n, unique(p, n))"
writer() {
	for n in 1 2 3 4 5 6 7 8 9 10; do
		echo "insert into t values ($1, $n);"
	done | sqlite3 -cmd ".timeout 20000" -bail db
}
writer 1 & a=$!; writer 2 & b=$!
for i in 1 2 3; do
	sqlite3 -cmd ".timeout 20000" db "select count(*) = (select count(*) from t) from t"
done
wait $a; wait $b
sqlite3 db "select p, count(*), sum(n) from t group by p; pragma integrity_check"
# a lock that is held keeps others out
sqlite3 db >"$W/holder" <<END &
begin exclusive;
.shell touch "$W/held"; until [ -e "$W/tried" ]; do sleep 0.01; done
commit;
END
until [ -e "$W/held" ]; do sleep 0.01; done
sqlite3 -cmd ".timeout 0" db "insert into t values (3, 3)" 2>/dev/null || echo locked
: >"$W/tried"; wait; rm -f db*
'
done
