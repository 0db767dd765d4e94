# The benchfs program.
TOOLS_TESTS = %D%/errors.sh %D%/run.sh %D%/start.sh
TESTS += $(TOOLS_TESTS)
EXTRA_DIST += $(TOOLS_TESTS) %D%/.shellcheckrc tests/demo.sh

# Minutes, and root: not part of `make check`.
EXTRA_DIST += tests/system/bootstrap-bare.sh
.PHONY: check-bare
check-bare:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS=tests/system/bootstrap-bare.sh BENCHFS_TEST_LIMIT=900
