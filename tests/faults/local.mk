# A daemon and a preload library with kill points.  Only what has them is built
# anew; it stands before the library that has the rest.
KILLABLE_SERVER = \
	server/append.c server/checkpoint.c server/client.c server/data.c \
	server/dispatch.c server/jlog.c \
	server/journal.c server/journal_load.c server/journal_sync.c \
	server/journal_turn.c server/serve_data.c server/session_log.c \
	server/slice.c server/tx.c server/txp.c \
	$(NULL)
KILLABLE_CLIENT = core/local_io.c core/transport_local.c preload/desc.c \
	preload/self_open.c

check_PROGRAMS += %D%/benchfsd
%C%_benchfsd_SOURCES = server/main.c %D%/kill.c %D%/kill_file.h \
	%D%/small_segments.c %D%/tap.c $(KILLABLE_SERVER)
%C%_benchfsd_CPPFLAGS = $(server_libserver_la_CPPFLAGS) -DBFS_FAULTS
%C%_benchfsd_LDADD = $(benchfsd_LDADD)
%C%_benchfsd_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=bfs_jlog_full

check_LTLIBRARIES += %D%/libbenchfs_preload_faults.la
%C%_libbenchfs_preload_faults_la_SOURCES = preload/entry.c %D%/kill.c \
	%D%/kill_file.h $(KILLABLE_CLIENT)
%C%_libbenchfs_preload_faults_la_CPPFLAGS = $(PRELOAD_CPPFLAGS) -DBFS_FAULTS
%C%_libbenchfs_preload_faults_la_CFLAGS = $(PRELOAD_CFLAGS)
# The rest comes from the whole library: the first of two is taken.
%C%_libbenchfs_preload_faults_la_LDFLAGS = $(PRELOAD_LDFLAGS) \
	-rpath /nowhere -Wl,-z,muldefs
%C%_libbenchfs_preload_faults_la_LIBADD = preload/libpreload.la

# The n-th call of a daemon fails.
check_LTLIBRARIES += %D%/libfail.la
%C%_libfail_la_SOURCES = %D%/fail.def %D%/fail_file.h %D%/fail_shim.c
%C%_libfail_la_CPPFLAGS = $(AM_CPPFLAGS) -U_FORTIFY_SOURCE -U_FILE_OFFSET_BITS
%C%_libfail_la_CFLAGS = $(BFS_PLAIN_CFLAGS) -fno-builtin
%C%_libfail_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-rpath /nowhere
check_PROGRAMS += %D%/leaks %D%/nth %D%/script
%C%_nth_SOURCES = %D%/nth.c %D%/rig.c %D%/rig.h
%C%_leaks_SOURCES = %D%/leaks.c %D%/rig.c %D%/rig.h
%C%_script_SOURCES = %D%/script.c
%C%_script_LDADD = tests/sequences/libseq.la
# A client's connection over UCX ends at its n-th message.
check_LTLIBRARIES += %D%/libcut.la
%C%_libcut_la_SOURCES = %D%/cut_shim.c
%C%_libcut_la_CPPFLAGS = $(AM_CPPFLAGS) $(UCX_CFLAGS)
%C%_libcut_la_CFLAGS = $(BFS_PLAIN_CFLAGS)
%C%_libcut_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-rpath /nowhere

# The n-th call of UCX in a daemon fails.
check_LTLIBRARIES += %D%/libfailucx.la
%C%_libfailucx_la_SOURCES = %D%/fail_file.h %D%/ucx_fail.def %D%/ucx_fail.h \
	%D%/ucx_fail_shim.c
%C%_libfailucx_la_CPPFLAGS = $(AM_CPPFLAGS) $(UCX_CFLAGS)
%C%_libfailucx_la_CFLAGS = $(BFS_PLAIN_CFLAGS)
%C%_libfailucx_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-rpath /nowhere
check_PROGRAMS += %D%/nth_ucx
%C%_nth_ucx_SOURCES = %D%/nth_ucx.c

TESTS += %D%/cut.sh %D%/leaks.sh %D%/nth.sh %D%/nth-ucx.sh
EXTRA_DIST += %D%/cut.sh %D%/leaks.sh %D%/nth.sh %D%/nth-ucx.sh

.PHONY: check-faults
check-faults: $(check_PROGRAMS) $(check_LTLIBRARIES)
	$(AM_TESTS_ENVIRONMENT) EVERY=1 $(SHELL) $(srcdir)/%D%/nth.sh
	$(AM_TESTS_ENVIRONMENT) EVERY=1 $(SHELL) $(srcdir)/%D%/cut.sh
	$(AM_TESTS_ENVIRONMENT) EVERY=1 $(SHELL) $(srcdir)/%D%/nth-ucx.sh
	EVERY=1 tests/unit/test_lost_peers
	tests/unit/test_lost_replies

.PHONY: check-leaks
check-leaks: $(check_PROGRAMS) $(check_LTLIBRARIES)
	$(AM_TESTS_ENVIRONMENT) RUNS=$${RUNS:-10000} \
		$(SHELL) $(srcdir)/%D%/leaks.sh
