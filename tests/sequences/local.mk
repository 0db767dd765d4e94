# All short sequences of calls, with a kill after each fsync.
check_LTLIBRARIES += %D%/libseq.la
%C%_libseq_la_SOURCES = %D%/libc.c %D%/seq.c %D%/seq.def %D%/seq.h %D%/seq_text.c

UNIT_TESTS += %D%/unit
%C%_unit_SOURCES = %D%/seq_unit.c %D%/seq_unit.h %D%/unit.c
%C%_unit_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_LDADD = %D%/libseq.la tests/unit/libjournalunit.la $(FS_UNIT_LIBS)

check_PROGRAMS += %D%/real
%C%_real_SOURCES = %D%/real.c
%C%_real_LDADD = %D%/libseq.la
TESTS += %D%/real.sh
EXTRA_DIST += %D%/real.sh

# All of them, and more on real daemons.
.PHONY: check-sequences
check-sequences: $(check_PROGRAMS)
	$(AM_TESTS_ENVIRONMENT) SEQUENCES=all JOBS=$${JOBS:-2} %D%/unit
	$(AM_TESTS_ENVIRONMENT) COUNT=$${COUNT:-5000} \
		$(SHELL) $(srcdir)/%D%/real.sh
