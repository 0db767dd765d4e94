# server: the daemon.  Depends on core only.
noinst_LTLIBRARIES += %D%/libserver.la
%C%_libserver_la_SOURCES = \
	%D%/admit.c %D%/answer.c %D%/answer.h \
	%D%/arena.c %D%/arena.h \
	%D%/client.c %D%/client.h \
	%D%/dispatch.c %D%/serve.h %D%/server.h \
	%D%/lock.c %D%/lock.h %D%/lock_range.c %D%/lock_range.h \
	%D%/loop.c %D%/loop.h \
	%D%/parked.c \
	%D%/port_local.c %D%/port_local.h \
	%D%/process.c %D%/process.h \
	%D%/serve_lock.c %D%/serve_lock.h %D%/serve_session.c %D%/session.c %D%/session.h \
	$(NULL)
%C%_libserver_la_LIBADD = core/libcore.la
