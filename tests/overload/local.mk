# Many clients, and one that wants all.
check_PROGRAMS += %D%/crowd %D%/fair
%C%_crowd_SOURCES = %D%/crowd.c
%C%_fair_SOURCES = %D%/fair.c
%C%_fair_LDFLAGS = $(AM_LDFLAGS) -pthread
TESTS += %D%/crowd.sh
EXTRA_DIST += %D%/crowd.sh %D%/fair.sh

.PHONY: check-overload
check-overload: $(check_PROGRAMS)
	$(AM_TESTS_ENVIRONMENT) CLIENTS=$${CLIENTS:-1000} $(SHELL) $(srcdir)/%D%/crowd.sh
	$(AM_TESTS_ENVIRONMENT) $(SHELL) $(srcdir)/%D%/fair.sh
