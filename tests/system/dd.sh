#!/bin/sh
# dd: notrunc, seek, skip, append, excl, nocreat, sparse, sync flags, block sizes.
. "${0%/*}/lib.sh"

both '
cd "$D"; seq 40000 | head -c 200000 >"$W/in"
q() { dd status=none "$@"; }
q if="$W/in" of=f bs=64k; cmp f "$W/in" && echo copied
printf XYZ | q of=f bs=1 seek=1000 conv=notrunc; stat -c %s f
q if=f bs=1 skip=998 count=7; echo
printf XYZ | q of=g bs=1 seek=1000; stat -c %s g; q if=g bs=1 count=1000 | tr -d "\0" | wc -c
printf tail | q of=g oflag=append conv=notrunc; tail -c 7 g; echo
q if="$W/in" of=h bs=1000 seek=10 skip=3 count=5; stat -c %s h
q if=f of=new conv=nocreat 2>&1 || echo "nocreat: $?"
q if=f of=g conv=excl 2>&1 || echo "excl: $?"
{ head -c 100000 /dev/zero; echo data; } | q of=sp bs=4k iflag=fullblock conv=sparse
stat -c %s sp; q if=f of=c bs=512 oflag=sync count=4; q if=f of=c bs=512 oflag=dsync
q if=f of=e conv=fsync; q if=f of=e2 conv=fdatasync,ucase; q if=f of=r ibs=3000 obs=700
q if=/dev/zero of=z bs=1M count=3; q of=z bs=1 count=0 seek=500 ; stat -c %s z
q if=f iflag=skip_bytes,count_bytes skip=100 count=100 bs=4k | md5sum
q if=. of=x 2>&1 || echo "directory: $?"
q if=f of=f conv=notrunc bs=5000; md5sum f
'
