# core: everything client and server share.  Depends on nothing else here.
# libcore is all that goes into the preload library: it needs libc only.
noinst_LTLIBRARIES += %D%/libcore.la
%C%_libcore_la_SOURCES = \
	%D%/arena.h %D%/datafile.h %D%/ring.h %D%/sys.h \
	%D%/kill.def %D%/kill.h %D%/tap.h \
	%D%/local_io.c %D%/local_io.h \
	%D%/elf_scan.c %D%/elf_scan.h \
	%D%/patience.h \
	%D%/layout.h %D%/log.c %D%/log.h \
	%D%/proto.c %D%/proto.h %D%/proto.def \
	%D%/report.h \
	%D%/rpc.c %D%/rpc.h \
	%D%/siphash.c %D%/siphash.h \
	%D%/stats.c %D%/stats.h %D%/stats.def \
	%D%/transport.h \
	%D%/transport_local.c %D%/transport_local.h \
	%D%/ucx_env.c %D%/ucx_env.h \
	%D%/ucx_fds.c %D%/ucx_fds.h \
	%D%/ucx_load.c %D%/ucx_load.h \
	%D%/util.h \
	%D%/wire.c %D%/wire.h \
	$(NULL)

# libcoreconf: settings, for the daemon and the tools; needs libconfig.
noinst_LTLIBRARIES += %D%/libcoreconf.la
%C%_libcoreconf_la_SOURCES = \
	%D%/config.c %D%/config.h %D%/config.def %D%/config_impl.h \
	%D%/config_include.c %D%/config_load.c \
	%D%/config_value.c \
	$(NULL)
%C%_libcoreconf_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBCONFIG_CFLAGS)
%C%_libcoreconf_la_LIBADD = core/libcore.la $(LIBCONFIG_LIBS)

# libcorecluster: who the members are and what they hold; daemon and tools.
noinst_LTLIBRARIES += %D%/libcorecluster.la
%C%_libcorecluster_la_SOURCES = \
	%D%/cluster.c %D%/cluster.h %D%/cluster_file.c \
	%D%/members.c %D%/members.h \
	%D%/members_dir.c %D%/members_hosts.c %D%/members_record.c \
	%D%/place.c %D%/place.h \
	%D%/registrar.c %D%/registrar.h \
	$(NULL)
%C%_libcorecluster_la_CPPFLAGS = $(AM_CPPFLAGS) $(XXHASH_CFLAGS)
%C%_libcorecluster_la_LIBADD = core/libcore.la

# The network that tests control.
check_LTLIBRARIES += %D%/libcoreloop.la
%C%_libcoreloop_la_SOURCES = %D%/loop_net.c %D%/loop_net.h %D%/transport_loop.c %D%/transport_loop.h
# The ucx transport: loaded with dlopen, since it needs libucp.
noinst_LTLIBRARIES += %D%/libcoreucx.la
%C%_libcoreucx_la_SOURCES = %D%/ucx_common.c %D%/ucx_common.h
%C%_libcoreucx_la_CPPFLAGS = $(AM_CPPFLAGS) $(UCX_CFLAGS) $(XXHASH_CFLAGS)

pkglib_LTLIBRARIES += %D%/libbenchfs_ucx.la
%C%_libbenchfs_ucx_la_SOURCES = \
	%D%/ucx_async.c %D%/ucx_async.h \
	%D%/ucx_answer.c %D%/ucx_client.c %D%/ucx_client.h %D%/ucx_connect.c \
	%D%/ucx_fork.c %D%/ucx_idle.c \
	%D%/ucx_wait.c \
	$(NULL)
%C%_libbenchfs_ucx_la_CPPFLAGS = $(AM_CPPFLAGS) $(UCX_CFLAGS)
%C%_libbenchfs_ucx_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version \
	-export-symbols-regex '^bfs_ucx_connect$$'
%C%_libbenchfs_ucx_la_LIBADD = core/libcoreucx.la core/libcore.la $(UCX_LIBS)
