# preload: the only directory that knows about errno and libc names.
noinst_LTLIBRARIES += %D%/libpreload.la
%C%_libpreload_la_SOURCES = \
	%D%/count.c %D%/count.h \
	%D%/headers.h %D%/ops.h %D%/real.c %D%/real.h \
	%D%/lazy.c %D%/lazy.def %D%/vfork.c %D%/vfork.h \
	%D%/state.c %D%/state_env.c %D%/state.h \
	%D%/desc.c %D%/desc.h %D%/fd.c %D%/fd.h \
	%D%/lead.c %D%/lead.h %D%/memory.c %D%/memory.h %D%/path.c %D%/path.h \
	%D%/session.c %D%/session.h \
	%D%/direct.c %D%/direct.h %D%/transfer.c %D%/transfer.h \
	%D%/self_open.c %D%/self_open.h %D%/session_ucx.c %D%/session_ucx.h \
	%D%/cwd.c \
	%D%/lock.h %D%/ops_lock.c \
	%D%/ops_attr.c %D%/ops_fd.c %D%/io.h %D%/ops_io.c %D%/ops_vector.c %D%/ops_name.c %D%/ops_pair.c \
	%D%/dirlist.c %D%/dirlist.h %D%/dirstream.c %D%/dirstream.h \
	%D%/fts_tree.c %D%/fts_tree.h \
	%D%/ops_dir.c %D%/ops_fts.c %D%/ops_ftw.c %D%/ops_scan.c \
	%D%/ops_temp.c \
	%D%/ops_wordexp.c \
	%D%/attr.h %D%/handle.h %D%/ops_fs.c %D%/ops_link.c \
	%D%/datafd.c %D%/datafd.h \
	%D%/exec_interp.c \
	%D%/exec.h %D%/exec_env.c %D%/exec_foreign.c %D%/exec_run.h %D%/exec_ld.c %D%/exec_path.c %D%/exec_rtld.c \
	%D%/exec_self.c %D%/exec_self.h %D%/ld_path.c %D%/ld_path.h \
	%D%/ops_dl.c %D%/ops_exec.c %D%/ops_fork.c %D%/ops_id.c \
	%D%/ops_message.c %D%/ops_popen.c %D%/ops_sock.c %D%/ops_sockname.c %D%/ops_spawn.c \
	%D%/ops_system.c %D%/peer.h %D%/pipe.h %D%/script.c %D%/script.h \
	%D%/shell.h %D%/spawn_actions.c %D%/spawn_actions.h \
	%D%/open.h %D%/ops_open.c %D%/ops_openat2.c %D%/ops_setattr.c %D%/ops_xattr.c %D%/own.c %D%/own.h \
	%D%/ops_stdio.c %D%/stdio_jumps.c %D%/stdio.h \
	%D%/ops_aio.c %D%/ops_copy.c %D%/ops_libaio.c %D%/ops_map.c %D%/mapped.c %D%/mapped.h \
	%D%/ops_syscall.c %D%/syscalls.def \
	%D%/raw.c %D%/raw.h %D%/raw_process.c %D%/raw_signal.c \
	%D%/raw_frame.c \
	$(NULL)
# entry.c defines libc's own names: no fortify wrappers, no 64-bit renames.
PRELOAD_CPPFLAGS = $(AM_CPPFLAGS) -U_FORTIFY_SOURCE -U_FILE_OFFSET_BITS -DMODULEDIR='"$(pkglibdir)"'
PRELOAD_CFLAGS   = $(AM_CFLAGS) -fno-builtin -ftls-model=initial-exec -fdata-sections
# Few pages for what every program touches at its start: one segment for code
# and tables, and the small variables of all files beside each other.  Few names
# for ld.so to look up: our calls to our own hooks are bound here, and
# PRELOAD_LINK leaves gcc's start files out, which want four.
PRELOAD_LDFLAGS  = $(AM_LDFLAGS) -module -avoid-version -shared \
	-Wl,-z,noseparate-code -Wl,--sort-section=alignment $(PRELOAD_LINK)
%C%_libpreload_la_CPPFLAGS = $(PRELOAD_CPPFLAGS)
%C%_libpreload_la_CFLAGS   = $(PRELOAD_CFLAGS)
%C%_libpreload_la_LIBADD   = core/libcore.la

# The symbols that programs see.
pkglib_LTLIBRARIES += %D%/libbenchfs_preload.la
%C%_libbenchfs_preload_la_SOURCES  = \
	%D%/entry.c %D%/entry.h %D%/entry_var.h %D%/hooks.def %D%/undef.h
%C%_libbenchfs_preload_la_CPPFLAGS = $(PRELOAD_CPPFLAGS)
# ThreadSanitizer calls hooks before it is ready.
%C%_libbenchfs_preload_la_CFLAGS   = $(PRELOAD_CFLAGS) -fno-sanitize=thread
%C%_libbenchfs_preload_la_LDFLAGS  = $(PRELOAD_LDFLAGS)
%C%_libbenchfs_preload_la_LIBADD   = %D%/libpreload.la

# The same, but BENCHFS_MUTATE=name takes that hook out: make check-mutation.
check_LTLIBRARIES += %D%/libbenchfs_preload_mutation.la
%C%_libbenchfs_preload_mutation_la_SOURCES  = %D%/entry.c
%C%_libbenchfs_preload_mutation_la_CPPFLAGS = $(PRELOAD_CPPFLAGS) -DBFS_MUTATION
%C%_libbenchfs_preload_mutation_la_CFLAGS   = $(PRELOAD_CFLAGS)
%C%_libbenchfs_preload_mutation_la_LDFLAGS  = $(PRELOAD_LDFLAGS) -rpath /nowhere
%C%_libbenchfs_preload_mutation_la_LIBADD   = %D%/libpreload.la

# ld.so loads it in a namespace of its own; it knows nothing of the hooks, and
# a sanitizer's runtime cannot be loaded twice.
pkglib_LTLIBRARIES += %D%/libbenchfs_audit.la
%C%_libbenchfs_audit_la_SOURCES = \
	%D%/audit.c %D%/audit_fetch.c %D%/audit_fetch.h \
	%D%/ld_path.c %D%/ld_path.h \
	core/local_io.c core/log.c core/proto.c core/rpc.c core/stats.c \
	core/transport_local.c core/wire.c \
	$(NULL)
%C%_libbenchfs_audit_la_CPPFLAGS = $(AM_CPPFLAGS) -U_FORTIFY_SOURCE -U_FILE_OFFSET_BITS
%C%_libbenchfs_audit_la_CFLAGS   = $(BFS_PLAIN_CFLAGS)
%C%_libbenchfs_audit_la_LDFLAGS  = $(AM_LDFLAGS) -module -avoid-version -shared
