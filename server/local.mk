# server: the daemon.  Depends on core only.
noinst_LTLIBRARIES += %D%/libserver.la
%C%_libserver_la_SOURCES = \
	%D%/dispatch.c %D%/serve.h %D%/server.h \
	$(NULL)
%C%_libserver_la_LIBADD = core/libcore.la
