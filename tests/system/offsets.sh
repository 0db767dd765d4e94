#!/bin/sh
# S6: offsets and status flags belong to the open file description, which dup,
# fork and exec share; two opens do not.
. "${0%/*}/lib.sh"
requires "$PY"

both '"$PY" "$py/offsets.py"'
both -s 'bash -eu' '
cd "$D"; seq 20 >f
exec 3<f; (read -r x <&3; echo $x); read -r x <&3; echo $x; sh -c "read x <&3; echo \$x"
head -n 1 <&3; { read -r x; echo $x; } <&3; bash -c "exec cat <&3" | head -n 2
exec 4>>g 5>&4; echo a >&4; sh -c "echo b >&5"; echo c >&4; cat g; : >g; echo d >&5; cat g
exec 6>h; (echo x >&6; exec sh -c "echo y >&6"); echo z >&6; cat h
'
