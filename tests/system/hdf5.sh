#!/bin/sh
# h5import, h5dump, h5repack, h5diff, h5copy: a library with its own file access.
. "${0%/*}/lib.sh"
requires h5import h5dump h5repack h5diff h5copy

both '
cd "$D"; seq 4000 >text
cat >conf <<"END"
PATH group/data
INPUT-CLASS TEXTIN
INPUT-SIZE 32
RANK 2
DIMENSION-SIZES 400 10
OUTPUT-CLASS IN
OUTPUT-SIZE 32
CHUNKED-DIMENSION-SIZES 50 5
COMPRESSION-TYPE GZIP
COMPRESSION-PARAM 3
END
h5import text -c conf -o f.h5; h5dump -H f.h5; h5dump -d /group/data f.h5 | md5sum
h5repack -f NONE f.h5 plain.h5; h5repack -l group/data:CONTI plain.h5 conti.h5
h5diff f.h5 conti.h5 && echo equal; h5copy -i f.h5 -o copy.h5 -s group/data -d moved; h5ls -r copy.h5
h5dump -d /group/data -b LE -o bin conti.h5 >/dev/null; od -An -tu4 -v -w40 bin | md5sum; h5stat conti.h5 | grep -c . >/dev/null
cp f.h5 "$W/out.h5"; h5diff "$W/out.h5" f.h5 && echo "the same outside"; h5dump none.h5 2>/dev/null || echo "missing: $?"
rm *.h5
'
