#!/bin/sh
# ed and vim -es: editors that write temporary, backup and swap files.
. "${0%/*}/lib.sh"
requires ed
vim=
for v in vim.basic vim.tiny vim vi; do
	command -v $v >/dev/null && { vim=$v; break; }
done
export vim

both '
cd "$D"; seq 50 >f; ln f hard
printf "%s\n" "5,10d" "1s/1/first/" w "r f" "\$a" end . "w g" "1,3W g" "f h" w q | ed -s f
md5sum f g h; wc -l f g h; cmp f hard && echo "the same inode"
printf "%s\n" "r none" q | ed -s f 2>&1 || echo "missing: $?"
printf "%s\n" a text . w q | ed -s new; cat new; echo "w none/x
Q" | ed -s new 2>&1 || echo "no directory: $?"
'
[ -n "$vim" ] || exit 0
both '
cd "$D"; seq 50 >f; chmod 600 f; ln -s f link; mkdir swap
v() { "$vim" -es -u NONE -i NONE --cmd "set backupskip=" "$@" </dev/null; }
v -c "%s/^1/one/" -c "set dir=$D/swap" -c wq f; md5sum f; stat -c %a f
v -c "set backup backupcopy=yes" -c "1d" -c wq link; readlink link; ls -A; md5sum f*
v -c "set backup backupcopy=no" -c "2d" -c "x" f; ls -A; md5sum f*
v -c "r f" -c "w out" -c "e! f" -c "saveas! copy" -c q new; ls -A; md5sum out copy
v -n -c "normal gg5ddGp" -c "wq" copy; md5sum copy
'
