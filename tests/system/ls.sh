#!/bin/sh
# ls -lR and its options.
. "${0%/*}/lib.sh"

both '
cd "$D"
mkdir -p a/b .hidden; : >a/empty; seq 100 >a/b/seq; ln -s b/seq a/link
mkfifo pipe; chmod 4711 a/b/seq; chmod 1777 a; ln a/b/seq hard
for i in $(seq 200); do : >"a/b/file$i"; done
find . -depth -exec touch -h -d "2020-01-02 03:04:05.5" {} +
ls -lR --time-style=full-iso "$D/a" | sed "s/^total .*//"
ls -la | sed "s/^total .*//" | awk "{ print \$1, \$NF }"
ls -1U "$D/a/b" | sort | md5sum
ls -F; ls -d "$D"/*/; ls -lL a/link | cut -c1-10
ls -i a/b/seq hard | awk "{ print \$1 }" | uniq | wc -l
ls -lS a/b | sed 1d | awk "{ print \$5 }" | head -n 2
ls -1t a/b | head -n 3
ls none 2>&1 || echo "missing: $?"
ls a/b/seq/ 2>&1 || echo "not a directory: $?"
echo a/b/file1*; cd a/b; echo file?; echo "$D"/*/b/file*9
'
