#!/bin/sh
# posix_spawn with all attributes and file actions: of a program elsewhere and
# of one in BenchFS, from a directory elsewhere and from one in BenchFS.
. "${0%/*}/lib.sh"

both '
cp "$helpers/spawn" "$D/here"; mkdir "$D/a" "$D/b" "$W/c" "$W/d"
cd "$D/a"; "$helpers/spawn" "$helpers/spawn" </dev/null | sed "s/^/foreign, in: /"
cd "$D/b"; "$helpers/spawn" "$D/here" </dev/null | sed "s/^/ours, in: /"
cd "$W/c"; "$helpers/spawn" "$helpers/spawn" </dev/null | sed "s/^/foreign, out: /"
cd "$W/d"; "$helpers/spawn" "$D/here" </dev/null | sed "s/^/ours, out: /"
printf "#!$D/here\n" >"$W/script"; chmod +x "$W/script"; "$W/script" | tail -n 3
rm "$D/here"
'
