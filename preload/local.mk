# preload: the only directory that knows about errno and libc names.
pkglib_LTLIBRARIES += %D%/libbenchfs_preload.la
%C%_libbenchfs_preload_la_SOURCES = \
	%D%/entry.c %D%/entry.h %D%/entry_var.h %D%/hooks.def %D%/undef.h \
	%D%/headers.h %D%/ops.h %D%/real.c %D%/real.h \
	%D%/state.c %D%/state_env.c %D%/state.h \
	%D%/fd.c %D%/fd.h \
	%D%/path.c %D%/path.h \
	%D%/session.c %D%/session.h \
	%D%/session_ucx.c %D%/session_ucx.h \
	%D%/cwd.c \
	%D%/lock.h %D%/ops_lock.c \
	%D%/ops_attr.c %D%/ops_fd.c %D%/ops_io.c %D%/ops_name.c \
	%D%/attr.h %D%/handle.h %D%/ops_fs.c %D%/ops_link.c \
	%D%/ops_open.c %D%/ops_setattr.c %D%/ops_xattr.c \
	%D%/ops_stdio.c %D%/stdio_jumps.c %D%/stdio.h \
	%D%/ops_aio.c %D%/ops_copy.c %D%/ops_map.c \
	%D%/ops_syscall.c %D%/syscalls.def \
	$(NULL)
# entry.c defines libc's own names: no fortify wrappers, no 64-bit renames.
%C%_libbenchfs_preload_la_CPPFLAGS = $(AM_CPPFLAGS) -U_FORTIFY_SOURCE -U_FILE_OFFSET_BITS -DMODULEDIR='"$(pkglibdir)"'
%C%_libbenchfs_preload_la_CFLAGS   = $(AM_CFLAGS) -fno-builtin -ftls-model=initial-exec
%C%_libbenchfs_preload_la_LDFLAGS  = $(AM_LDFLAGS) -module -avoid-version -shared
%C%_libbenchfs_preload_la_LIBADD   = core/libcore.la
