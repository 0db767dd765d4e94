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

# Bugs that it must find, in a daemon and a preload library of their own.
PLANTED_CLIENT = \
	-Wl,--wrap=bfs_umask,--wrap=bfs_dup,--wrap=bfs_listxattr \
	-Wl,--wrap=bfs_llistxattr,--wrap=bfs_readdir,--wrap=bfs_write \
	-Wl,--wrap=bfs_lock_fcntl
PLANTED_SERVER = \
	-Wl,--wrap=bfs_data_truncate,--wrap=bfs_serve_rename \
	-Wl,--wrap=bfs_inode_changed,--wrap=bfs_inode_attr \
	-Wl,--wrap=bfs_serve_mknod,--wrap=bfs_inode_accessed
check_LTLIBRARIES += %D%/libbenchfs_preload_planted.la
%C%_libbenchfs_preload_planted_la_SOURCES = preload/entry.c \
	%D%/planted_client.c %D%/planted.h
%C%_libbenchfs_preload_planted_la_CPPFLAGS = $(PRELOAD_CPPFLAGS)
%C%_libbenchfs_preload_planted_la_CFLAGS = $(PRELOAD_CFLAGS)
%C%_libbenchfs_preload_planted_la_LDFLAGS = $(PRELOAD_LDFLAGS) \
	-rpath /nowhere $(PLANTED_CLIENT)
%C%_libbenchfs_preload_planted_la_LIBADD = preload/libpreload.la
check_PROGRAMS += %D%/benchfsd
%C%_benchfsd_SOURCES = server/main.c %D%/planted_server.c %D%/planted.h
%C%_benchfsd_LDADD = $(benchfsd_LDADD)
%C%_benchfsd_LDFLAGS = $(AM_LDFLAGS) $(PLANTED_SERVER)
TESTS += %D%/planted.sh
EXTRA_DIST += %D%/planted.sh
