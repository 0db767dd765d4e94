#!/bin/sh
# du and df: apparent sizes are exact, st_blocks tell holes from data.
. "${0%/*}/lib.sh"

both '
cd "$D"; mkdir -p a/b; truncate -s 5000000 a/hole; head -c 200000 /dev/zero >a/b/f
ln a/b/f a/hard; ln -s b a/l
# the apparent size of a directory depends on the file system
du -b a/hole a/b/f; du --apparent-size -k a/hole
sync a/b/f
du -k a/b/f | awk "{ print (\$1 >= 195 && \$1 < 300) ? \"data\" : \$1 }"
du -k a/hole | awk "{ print (\$1 < 50) ? \"a hole\" : \$1 }"
# of two names of a file, which one is shown depends on the order of entries
du -a a | awk "{ print \$2 }" | grep -v -e a/b/f -e a/hard | sort; du -al a | wc -l; du -a a | wc -l
du -ck a/b/f a/hard | tail -n 1 | awk "{ print (\$1 < 300) ? \"once\" : \"twice\" }"
'
inside '
df "$D" | tail -n 1 | awk "{ exit !(\$2 > 0 && \$4 > 0 && \$2 >= \$4) }"
want "$(stat -f -c %l "$D")" 255
stat -f -c "%b %f %a %S" "$D" | awk "{ exit !(\$1 >= \$2 && \$2 >= \$3 && \$4 > 0) }"
'
