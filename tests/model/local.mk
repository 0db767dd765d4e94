# The differential tester: the same random calls in BenchFS and in a real
# directory.
check_PROGRAMS += %D%/model
%C%_model_SOURCES = \
	%D%/args.c %D%/do_io.c %D%/do_name.c %D%/do_other.c %D%/model.c \
	%D%/model.h %D%/run.c %D%/same.c %D%/stamp.c %D%/steps.c %D%/worker.c %D%/calls.def \
	$(NULL)
# What the source says is what is called, bad arguments too.
%C%_model_CPPFLAGS = $(AM_CPPFLAGS) -U_FORTIFY_SOURCE
%C%_model_CFLAGS = $(AM_CFLAGS) -fno-builtin

TESTS += %D%/model.sh
EXTRA_DIST += %D%/model.sh

# The long one: new seeds until the time is over.
HOURS = 1
.PHONY: check-model
check-model: $(check_PROGRAMS)
	$(AM_TESTS_ENVIRONMENT) HOURS=$(HOURS) SEED=$(SEED) STEPS=$(STEPS) \
		$(SHELL) $(srcdir)/tests/model/model.sh
