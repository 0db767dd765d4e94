# Races between processes, and whether an order explains what they see.
check_LTLIBRARIES += %D%/libhist.la
%C%_libhist_la_SOURCES = \
	%D%/calls.def %D%/files.c %D%/hist.h %D%/lock.c %D%/names.c \
	%D%/order.c %D%/part.c %D%/search.c %D%/shrink.c %D%/state.c \
	%D%/state.h %D%/text.c %D%/walk.c \
	$(NULL)
check_LTLIBRARIES += %D%/libcrew.la
%C%_libcrew_la_SOURCES = %D%/crew.c %D%/crew.h

check_PROGRAMS += %D%/check %D%/crash %D%/history %D%/race
%C%_check_SOURCES = %D%/check.c
%C%_check_LDADD = %D%/libhist.la
%C%_crash_SOURCES = \
	%D%/crash.c %D%/crash.def %D%/crash.h %D%/points.c %D%/scan.c %D%/work.c \
	%D%/world.c \
	$(NULL)
%C%_crash_LDADD = %D%/libcrew.la
%C%_history_SOURCES = \
	%D%/client.h %D%/do.c %D%/history.c %D%/look.c %D%/make.c
%C%_history_LDADD = %D%/libhist.la %D%/libcrew.la
%C%_race_SOURCES = \
	%D%/race.c %D%/race.def %D%/race.h %D%/race_dirs.c %D%/race_files.c \
	%D%/race_locks.c %D%/race_rename.c %D%/race_winner.c \
	$(NULL)
%C%_race_LDADD = %D%/libcrew.la

PLANTED = \
	%D%/planted/both-names.hist \
	%D%/planted/create-in-removed.hist \
	%D%/planted/cycle.hist \
	%D%/planted/dir-count.hist \
	%D%/planted/link-count.hist \
	%D%/planted/lock-of-dead.hist \
	%D%/planted/lost-append.hist \
	%D%/planted/lost-rename.hist \
	%D%/planted/missing-name.hist \
	%D%/planted/name-twice.hist \
	%D%/planted/neither-name.hist \
	%D%/planted/old-bytes.hist \
	%D%/planted/one-file-two-numbers.hist \
	%D%/planted/resurrected.hist \
	%D%/planted/right-listing.hist \
	%D%/planted/right-locks.hist \
	%D%/planted/right-unknown.hist \
	%D%/planted/right-walk.hist \
	%D%/planted/right-winner.hist \
	%D%/planted/rmdir-not-empty.hist \
	%D%/planted/stale-read.hist \
	%D%/planted/stale-stat.hist \
	%D%/planted/target-gone.hist \
	%D%/planted/torn-append.hist \
	%D%/planted/two-holders.hist \
	%D%/planted/two-mkdir.hist \
	%D%/planted/two-winners.hist \
	%D%/planted/unknown-twice.hist \
	$(NULL)

RACES = \
	%D%/across.sh \
	%D%/append.sh \
	%D%/crash-history.sh \
	%D%/crash-points.sh \
	%D%/crash-points-limit.sh \
	%D%/crash-tampered.sh \
	%D%/crash.sh \
	%D%/cycles.sh \
	%D%/faults.sh \
	%D%/held-far.sh \
	%D%/history.sh \
	%D%/links.sh \
	%D%/listing.sh \
	%D%/locks.sh \
	%D%/long-names.sh \
	%D%/not-empty.sh \
	%D%/planted.sh \
	%D%/replace.sh \
	%D%/rmdir.sh \
	%D%/space.sh \
	%D%/swap.sh \
	%D%/unlinked.sh \
	%D%/walks.sh \
	%D%/winners.sh \
	$(NULL)
TESTS += $(RACES)
EXTRA_DIST += $(RACES) $(PLANTED) %D%/races.sh

# The long one: 500 rounds in which daemons, and clients, are killed at kill
# points, and 100 of kill -9 at any time.
.PHONY: check-crash
check-crash: $(check_PROGRAMS) $(check_LTLIBRARIES)
	$(AM_TESTS_ENVIRONMENT) ROUNDS=$${POINT_ROUNDS:-500} \
		$(SHELL) $(srcdir)/%D%/crash-points.sh
	$(AM_TESTS_ENVIRONMENT) ROUNDS=$${ROUNDS:-100} \
		$(SHELL) $(srcdir)/%D%/crash.sh
	$(AM_TESTS_ENVIRONMENT) ROUNDS=$${ROUNDS:-100} \
		$(SHELL) $(srcdir)/%D%/crash-history.sh
EXTRA_DIST += %D%/killed.sh

# The same on three daemons, and (root) on two on each of four nodes.
.PHONY: check-crash-3 check-crash-nodes
check-crash-3: $(check_PROGRAMS) $(check_LTLIBRARIES)
	for seed in 1 2; do \
		$(AM_TESTS_ENVIRONMENT) BENCHFS_TEST_DAEMONS=3 SEED=$$seed \
			ROUNDS=$${ROUNDS:-100} \
			$(SHELL) $(srcdir)/%D%/crash.sh || exit; \
	done
	$(AM_TESTS_ENVIRONMENT) BENCHFS_TEST_DAEMONS=3 \
		ROUNDS=$${ROUNDS:-20} \
		$(SHELL) $(srcdir)/%D%/crash-history.sh
	$(AM_TESTS_ENVIRONMENT) BENCHFS_TEST_DAEMONS=3 \
		ROUNDS=$${POINT_ROUNDS:-20} \
		$(SHELL) $(srcdir)/%D%/crash-points.sh
check-crash-nodes: $(check_PROGRAMS) $(check_LTLIBRARIES)
	for test in crash crash-history; do \
		$(AM_TESTS_ENVIRONMENT) BENCHFS_TEST_DAEMONS=8 \
			ROUNDS=$${ROUNDS:-10} \
			$(SHELL) $(srcdir)/tests/cluster/on-nodes.sh \
			$(srcdir)/%D%/$$test.sh || exit; \
	done
