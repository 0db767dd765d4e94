#!/bin/sh
# Redirections of dash and bash: every operator, shared offsets, here-documents.
. "${0%/*}/lib.sh"

script='
cd "$D"
echo one >f; echo two >>f; cat <f; wc -c <f
cat >h <<END
here $((1 + 1)) document
END
cat h - <<END
and $(cat f)
END
(echo 1; echo 2; (echo 3; cat f); echo 4) >shared; cat shared
{ echo out; echo err >&2; } >both 2>&1; cat both
{ echo out; echo err >&2; } 2>err >out; cat out err
exec 3<>rw; echo abcdef >&3; echo gh >&3; exec 3>&-
exec 3<>rw; read -r l <&3; echo "read: $l"; printf XX >&3; exec 3<&-; cat rw
exec 4<f; read -r a <&4; (read -r b <&4; echo "child read $b"); read -r c <&4 || echo "end: $a $c"
exec 4<&-
while read -r l; do echo "line $l"; done <f
printf "1\n2\n3\n4\n" >n; { head -n 1 >/dev/null; cat; } <n | wc -l
{ read -r x; read -r y; echo "$x$y"; cat; } <n
echo keep >c; set -C; (echo no >c) 2>/dev/null || echo "noclobber"; echo yes >|c; cat c
(echo new >created) && cat created; set +C
sort <n >s1 2>&1 3>/dev/null; cat s1 | tr 1-4 a-d | cat - s1 >piped; cat piped
exec 5>five 6>&5; echo a >&5; echo b >&6; exec 5>&-; echo c >&6; exec 6>&-; cat five
: >e; [ -s e ] || echo empty; [ -s f ] && [ -f f ] && [ ! -d f ] && [ -w f ] && echo tests
echo x >dir/x 2>/dev/null || echo "no directory"
mkdir dir; (: >dir) 2>/dev/null || echo "is a directory"
(cat <none) 2>/dev/null || echo "missing"
echo "v=1" >src; . ./src; echo "$v"
echo a >ap & echo b >ap2 & wait; cat ap ap2; x=$(cat f); echo "$x"; echo $(<f cat)
sh -c "echo child; echo child2" >>f; cat f; [ f -nt none ] || echo "not newer"
'
both "$script"
both -s 'dash -eu' "$script"
requires bash
both -s 'bash -eu' "$script"
both -s 'bash -eu' '
cd "$D"
echo "$(<"$srcdir/NEWS")" >f; echo more &>>f; cat f &>g; wc -l <<<"$(<g)"
exec {fd}<>f; read -r l <&$fd; echo "$l"; read -r -u $fd m; exec {fd}<&-
mapfile -t a <g; echo ${#a[@]}; printf "%s\n" "${a[@]}" > >(cat >sub); wait $!
cat <(cat g) <(echo two) >p; diff p <(cat g; echo two) && echo equal
coproc cat; echo hi >&"${COPROC[1]}"; read -r x <&"${COPROC[0]}"; echo "$x" >>p
exec 9>&1 >log; echo logged; exec >&9; cat log; shopt -s globstar nullglob; mkdir -p x/y; : >x/y/z
echo **; echo no*such; pushd x >/dev/null; echo y/*; popd >/dev/null; [[ f -ef ./f ]] && echo same
for i in {1..50}; do echo $i; done >>many; wc -l <many; select_=$(compgen -f m); echo "$select_"
'
