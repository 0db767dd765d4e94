# The benchfs program.
TOOLS_TESTS = %D%/bench.sh %D%/cluster.sh %D%/doctor.sh %D%/errors.sh %D%/launchers.sh %D%/layout.sh %D%/registry.sh %D%/report.sh %D%/run.sh %D%/start.sh %D%/stuck.sh
TESTS += $(TOOLS_TESTS)
EXTRA_DIST += $(TOOLS_TESTS) %D%/.shellcheckrc tests/demo.sh
