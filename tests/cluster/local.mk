# Several nodes: network namespaces, made by lib.sh; needs root.
CLUSTER_TESTS = \
	%D%/direct.sh %D%/maps.sh %D%/mpi.sh %D%/nodes.sh %D%/peers.sh %D%/some-faults.sh
TESTS += $(CLUSTER_TESTS)
EXTRA_DIST += $(CLUSTER_TESTS) %D%/direct.py %D%/maps.py %D%/lib.sh %D%/net-faults.sh %D%/on-nodes.sh %D%/with.sh %D%/start64.sh

# What goes wrong between nodes, while programs on all of them work.
check_PROGRAMS += %D%/faulty %D%/slow-link
%C%_faulty_SOURCES = \
	%D%/faulty.c %D%/faulty.def %D%/faulty.h %D%/faulty_log.c \
	%D%/faulty_work.c
%C%_faulty_LDADD = tests/races/libcrew.la
%C%_slow_link_SOURCES = %D%/slow-link.c
%C%_slow_link_LDADD =
.PHONY: check-net-faults
check-net-faults: all $(check_PROGRAMS)
	$(AM_TESTS_ENVIRONMENT) $(SHELL) $(srcdir)/%D%/net-faults.sh

# The system tests on the first of 4 nodes x 2 daemons.
.PHONY: check-cluster check-cluster-system
# Those that start daemons of their own, or need none, would do nothing else
# than in `make check`.
NOT_ON_NODES = $(ONE_DAEMON_TESTS) \
	tests/system/bad-input.sh tests/system/corruption.sh \
	tests/system/descriptors.sh tests/system/full-disk.sh \
	tests/system/locks-limit.sh tests/system/security.sh \
	tests/system/stripe-disk.sh tests/system/syncfs.sh \
	tests/system/ucx-left.sh
check-cluster-system: all $(check_PROGRAMS)
	$(MAKE) $(AM_MAKEFLAGS) check \
		TESTS='$(filter-out $(NOT_ON_NODES),$(SYSTEM_TESTS))' \
		SH_LOG_COMPILER='$(SHELL) $(abs_srcdir)/%D%/on-nodes.sh'
check-cluster: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(CLUSTER_TESTS)'
