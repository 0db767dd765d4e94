# benchfs fsck: each defect is planted in the journal, or in the data.
check_PROGRAMS += %D%/plant
%C%_plant_SOURCES = %D%/plant.c
%C%_plant_LDADD = server/libserver.la core/libcoreconf.la $(XXHASH_LIBS)

FSCK_TESTS = %D%/one.sh %D%/three.sh
TESTS += $(FSCK_TESTS)
EXTRA_DIST += $(FSCK_TESTS) %D%/fsck.py %D%/one.py %D%/three.py
