# A disk that loses what was not synced.
UNIT_TESTS += %D%/power
%C%_power_SOURCES = %D%/disk.c %D%/disk.h %D%/disk_impl.h %D%/power.c \
	%D%/record.c tests/sequences/seq_unit.c tests/sequences/seq_unit.h
%C%_power_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) -U_FORTIFY_SOURCE
%C%_power_CFLAGS = $(AM_CFLAGS) -fno-builtin
%C%_power_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=bfs_boot_id
%C%_power_LDADD = tests/sequences/libseq.la tests/unit/libjournalunit.la \
	$(FS_UNIT_LIBS)

.PHONY: check-power
check-power: $(check_PROGRAMS)
	STATES=$${STATES:-100000} %D%/power
