#!/bin/sh
# find: tests on types, sizes, times and links; -delete; -exec in both forms.
. "${0%/*}/lib.sh"

both '
cd "$D"
mkdir -p a/b/c x; : >a/empty; seq 3000 >a/b/big; ln -s ../big a/b/c/l
ln a/b/big x/hard; mkfifo x/p; : >"x/with space"; chmod 600 a/empty
touch -d 2000-01-01 a/empty; touch -d 2010-01-01 x/hard
find . | sort; find . -type f | sort; find . -type d | sort
find "$D" -type l -printf "%P %l %Y\n"; find . -type p
find . -newer a/empty -type f | sort; find . -size +4k | sort
find . -empty | sort; find . -perm 600; find . -links 2 -type f | sort
find . -samefile a/b/big | sort; find . -inum "$(stat -c %i a/empty)"
find . -mtime +5000 | sort; find . -maxdepth 1 | sort
find -L . -type l; find . -path "*/b/*" | sort; find . -user "$(id -u)" | wc -l
find . -name "*space" -exec cat {} \; -exec echo {} \;
find . -type f -exec ls {} + | sort
find . -type f -execdir echo {} \; | sort
find . -type f -printf "%f %s %m %n %y %TY\n" | sort
find . -depth -type d | sort
find a -name big -delete; find . -type d -empty -delete; find . | sort
find . -type f -print0 | sort -z | xargs -0 -n 1 echo
'
