TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = srcdir='$(abs_srcdir)'; builddir='$(abs_builddir)'; export srcdir builddir;
LOG_COMPILER = $(SHELL) $(srcdir)/tests/run-unit.sh

# Unit tests: one per module, tests/unit/test_<module>.c
UNIT_TESTS += %D%/unit/test_wire
%C%_unit_test_wire_SOURCES = %D%/unit/test_wire.c
%C%_unit_test_wire_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
%C%_unit_test_wire_LDADD = core/libcore.la $(CMOCKA_LIBS)

check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)

include tests/system/local.mk
EXTRA_DIST += %D%/run-unit.sh %D%/lint.sh
