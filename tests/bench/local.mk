# What is measured by hand.
check_PROGRAMS += %D%/scale
EXTRA_DIST += %D%/scale.sh

# Instructions of hot paths, against those that are recorded.
check_PROGRAMS += %D%/foreign %D%/paths
%C%_paths_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_paths_LDADD = tests/unit/libjournalunit.la $(FS_UNIT_LIBS) $(LOOP_LIBS)
EXTRA_DIST += %D%/paths.sh %D%/paths.expected %D%/table.py
.PHONY: bench-check bench-record
bench-check bench-record: $(check_PROGRAMS)
	srcdir='$(srcdir)' builddir='$(abs_builddir)' CFLAGS='$(CFLAGS)' \
		$(SHELL) $(srcdir)/%D%/paths.sh $@

# The table of docs/scaling.md: about 8 minutes on a quiet machine.
bench-scale: all %D%/scale
	builddir=$(abs_builddir) $(SHELL) $(srcdir)/%D%/scale.sh 1 16 64
.PHONY: bench-scale

# Shares of the network's bandwidth, for docs/scaling.md: root, a quiet machine.
.PHONY: bench-bandwidth
bench-bandwidth: all
	builddir=$(abs_builddir) $(SHELL) $(srcdir)/%D%/bandwidth.sh %D%/placement.sh
EXTRA_DIST += %D%/relay.sh %D%/bandwidth.sh
