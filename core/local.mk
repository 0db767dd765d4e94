# core: everything client and server share.  Depends on nothing else here.
# libcore is all that goes into the preload library: it needs libc only.
noinst_LTLIBRARIES += %D%/libcore.la
%C%_libcore_la_SOURCES = \
	%D%/arena.h %D%/ring.h %D%/sys.h \
	%D%/local_io.c %D%/local_io.h \
	%D%/log.c %D%/log.h \
	%D%/proto.c %D%/proto.h %D%/proto.def \
	%D%/rpc.c %D%/rpc.h \
	%D%/siphash.c %D%/siphash.h \
	%D%/stats.c %D%/stats.h %D%/stats.def \
	%D%/transport.h \
	%D%/transport_local.c %D%/transport_local.h \
	%D%/util.h \
	%D%/wire.c %D%/wire.h \
	$(NULL)

# libcoreconf: settings, for the daemon and the tools; needs libconfig.
noinst_LTLIBRARIES += %D%/libcoreconf.la
%C%_libcoreconf_la_SOURCES = \
	%D%/config.c %D%/config.h %D%/config.def %D%/config_impl.h \
	%D%/config_load.c \
	%D%/config_value.c \
	$(NULL)
%C%_libcoreconf_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBCONFIG_CFLAGS)
%C%_libcoreconf_la_LIBADD = core/libcore.la $(LIBCONFIG_LIBS)

# The network that tests control.
check_LTLIBRARIES += %D%/libcoreloop.la
%C%_libcoreloop_la_SOURCES = %D%/transport_loop.c %D%/transport_loop.h
