#!/bin/sh
# mv: of files and directories, over others, and to and from a real directory.
. "${0%/*}/lib.sh"

both '
mkdir -p "$D/a/deep/er" "$D/full/x" "$D/empty" "$W/r"
echo f >"$D/a/f"; echo g >"$D/g"; echo deep >"$D/a/deep/er/f"
ln -s f "$D/a/link"; ln "$D/g" "$D/g2"
ino=$(stat -c %i "$D/g")
mv "$D/g" "$D/h"
[ "$(stat -c %i "$D/h")" = "$ino" ] && echo "st_ino is kept"
mv "$D/a/f" "$D/h"			# over a file with another link
stat -c "%h" "$D/g2"
mv "$D/a" "$D/empty/"			# a directory with all below it
cat "$D/empty/a/deep/er/f" "$D/empty/a/deep/../link" 2>&1 || echo "link: $?"
mv -T "$D/full/x" "$D/x"
mkdir "$D/target"; mv -T "$D/x" "$D/target" && echo "over an empty directory"
mv -T "$D/target" "$D/empty" 2>&1 || echo "over a full directory: $?"
mv "$D/empty" "$D/empty/a/deep" 2>&1 || echo "into itself: $?"
mv "$D/none" "$D/y" 2>&1 || echo "missing: $?"
mkdir "$D/dd"; mv -T "$D/h" "$D/dd" 2>&1 || echo "file over directory: $?"
mv -T "$D/dd" "$D/h" 2>&1 || echo "directory over file: $?"
mv -n "$D/h" "$D/g2"; cat "$D/g2"
'
both '
mkdir -p "$W/r/s"; echo 1 >"$W/r/s/f"; touch -d 2001-01-01 "$W/r/s/f"
chmod 640 "$W/r/s/f"; ln -s f "$W/r/s/l"
mv "$W/r" "$D/"				# in: a copy and a removal
[ ! -e "$W/r" ]
mv "$D/r" "$W/back"			# and out
[ ! -e "$D/r" ]
ls "$W/back/s"; cat "$W/back/s/l"; stat -c "%a %Y" "$W/back/s/f"
echo f >"$D/f"; echo over >"$W/back/f"; mv -f "$D/f" "$W/back/f"
cat "$W/back/f"
'
