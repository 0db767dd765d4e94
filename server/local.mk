# server: the daemon.  Depends on core only.
noinst_LTLIBRARIES += %D%/libserver.la
%C%_libserver_la_SOURCES = \
	%D%/arena.c %D%/arena.h \
	%D%/client.c %D%/client.h \
	%D%/dispatch.c %D%/serve.h %D%/server.h %D%/session.h \
	%D%/loop.c %D%/loop.h \
	%D%/port_local.c %D%/port_local.h \
	%D%/process.c %D%/process.h \
	$(NULL)
%C%_libserver_la_LIBADD = core/libcore.la
