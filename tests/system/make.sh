#!/bin/sh
# make -j2: generated files, timestamps, a second run with nothing to do.
. "${0%/*}/lib.sh"
requires make gcc

both '
cd "$D"
for i in 1 2 3 4 5 6; do
	printf "#include \"all.h\"\nint f$i(void) { return $i; }\n" >f$i.c
	echo "int f$i(void);" >>all.h
done
printf "#include \"all.h\"\nint main(void) { return f1() + f2() + f6() - 9; }\n" >main.c
cat >Makefile <<"END"
OBJS := $(patsubst %.c,%.o,$(wildcard *.c))
prog: $(OBJS) ; @$(CC) -o $@ $^
%.o: %.c all.h ; @$(CC) -O0 -MMD -c -o $@ $<
clean: ; @rm -f *.o *.d prog
-include *.d
END
make -s -j2; ./prog && echo works
make | sed "s/make\[[0-9]*\]/make/"
sleep 0.02; touch f3.c; make -n | grep -c -- "-c -o"; make -s -j2; make -q && echo "up to date"
make -s -C "$D" -j2 clean; ls; make -s -j2; "$D/prog"; rm -f *.o *.d prog
'
