# Several nodes: network namespaces, made by lib.sh; needs root.
CLUSTER_TESTS = %D%/nodes.sh %D%/peers.sh
TESTS += $(CLUSTER_TESTS)
EXTRA_DIST += $(CLUSTER_TESTS) %D%/lib.sh %D%/with.sh %D%/start64.sh

.PHONY: check-cluster
check-cluster: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(CLUSTER_TESTS)'
