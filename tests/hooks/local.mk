# A row for each name of preload/hooks.def: row.h says how they are written.
check_PROGRAMS += %D%/rows
%C%_rows_SOURCES = \
	%D%/main.c %D%/row.c %D%/row.h \
	%D%/rows_attr.c %D%/rows_cwd.c %D%/rows_dir.c %D%/rows_fd.c \
	%D%/rows_identity.c %D%/rows_io.c %D%/rows_map.c %D%/rows_name.c \
	%D%/rows_open.c %D%/rows_process.c %D%/rows_size.c \
	%D%/rows_signal.c %D%/rows_socket.c %D%/rows_stdio.c %D%/rows_temp.c %D%/rows_xattr.c \
	$(NULL)
%C%_rows_CPPFLAGS = $(AM_CPPFLAGS) -U_FORTIFY_SOURCE -U_FILE_OFFSET_BITS
# What the source says is what is called, bad arguments too.
%C%_rows_CFLAGS = $(AM_CFLAGS) -fno-builtin -Wno-nonnull \
	-Wno-stringop-overflow -fno-sanitize=nonnull-attribute

# Each hook is taken out in turn; its row must fail.
.PHONY: check-mutation
check-mutation: $(check_PROGRAMS) $(check_LTLIBRARIES)
	$(AM_TESTS_ENVIRONMENT) $(SHELL) $(srcdir)/tests/mutation.sh $(MUTATE)
EXTRA_DIST += tests/mutation.sh
