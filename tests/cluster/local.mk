# Several nodes: network namespaces, made by lib.sh; needs root.
CLUSTER_TESTS = %D%/maps.sh %D%/mpi.sh %D%/nodes.sh %D%/peers.sh
TESTS += $(CLUSTER_TESTS)
EXTRA_DIST += $(CLUSTER_TESTS) %D%/maps.py %D%/lib.sh %D%/on-nodes.sh %D%/with.sh %D%/start64.sh

# The system tests on the first of 4 nodes x 2 daemons.
.PHONY: check-cluster check-cluster-system
check-cluster-system: all $(check_PROGRAMS)
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(SYSTEM_TESTS)' \
		SH_LOG_COMPILER='$(SHELL) $(abs_srcdir)/%D%/on-nodes.sh'
check-cluster: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(CLUSTER_TESTS)'
