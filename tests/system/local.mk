# System tests: one script per behaviour; lib.sh says how they are written.

# C programs that the scripts run, each of one file, NAME.c.
SYSTEM_HELPERS = \
	%D%/calls \
	%D%/aio \
	%D%/addresses \
	%D%/at \
	%D%/deny \
	%D%/dirs \
	%D%/extents \
	%D%/forge \
	%D%/forks \
	%D%/held \
	%D%/libraries \
	%D%/maps \
	%D%/raw \
	%D%/openat2 \
	%D%/renames \
	%D%/spawn \
	%D%/stamps \
	%D%/streams \
	%D%/threads \
	%D%/together \
	%D%/tree \
	%D%/uring \
	%D%/vfork \
	%D%/walks \
	$(NULL)
%C%_forge_LDADD = core/libcore.la
%C%_uring_LDADD = $(LIBURING_LIBS)
check_PROGRAMS += $(SYSTEM_HELPERS)
check_LTLIBRARIES += %D%/libheldsync.la %D%/libbehind.la
%C%_libbehind_la_SOURCES = %D%/behind.c
%C%_libbehind_la_CFLAGS = $(BFS_PLAIN_CFLAGS)
%C%_libbehind_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-rpath /nowhere
%C%_libheldsync_la_SOURCES = %D%/held-sync.c
%C%_libheldsync_la_CFLAGS = $(BFS_PLAIN_CFLAGS)
%C%_libheldsync_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-rpath /nowhere

SYSTEM_TESTS = \
	%D%/aio.sh \
	%D%/addresses.sh \
	%D%/append.sh \
	%D%/at.sh \
	%D%/attributes.sh \
	%D%/bad-input.sh \
	%D%/behind.sh \
	%D%/big-writes.sh \
	%D%/checksum.sh \
	%D%/client-death.sh \
	%D%/corruption.sh \
	%D%/counters.sh \
	%D%/come-back.sh \
	%D%/cp.sh \
	%D%/cwd.sh \
	%D%/daemon-gone.sh \
	%D%/daemon-stopped.sh \
	%D%/daemon.sh \
	%D%/dd.sh \
	%D%/descriptors.sh \
	%D%/dirs.sh \
	%D%/dlopen.sh \
	%D%/du.sh \
	%D%/ed.sh \
	%D%/exclusive.sh \
	%D%/exec.sh \
	%D%/exec-self.sh \
	%D%/extents.sh \
	%D%/own-malloc.sh \
	%D%/shm-peers.sh \
	%D%/stripe.sh \
	%D%/stripe-end.sh \
	%D%/stripe-disk.sh \
	%D%/find.sh \
	%D%/fd-path.sh \
	%D%/fio.sh \
	%D%/foreign.sh \
	%D%/forks.sh \
	%D%/fsync-on-close.sh \
	%D%/full-disk.sh \
	%D%/gcc.sh \
	%D%/git.sh \
	%D%/go.sh \
	%D%/grep.sh \
	%D%/hdf5.sh \
	%D%/held.sh \
	%D%/holes.sh \
	%D%/hooks.sh \
	%D%/hostile.sh \
	%D%/idle.sh \
	%D%/interp.sh \
	%D%/kill-daemon.sh \
	%D%/leftovers.sh \
	%D%/libraries.sh \
	%D%/links.sh \
	%D%/locks.sh \
	%D%/locks-limit.sh \
	%D%/ls.sh \
	%D%/make.sh \
	%D%/mixed.sh \
	%D%/mmap.sh \
	%D%/mpi.sh \
	%D%/multiprocessing.sh \
	%D%/mv.sh \
	%D%/names.sh \
	%D%/needed.sh \
	%D%/null.sh \
	%D%/offsets.sh \
	%D%/openat2.sh \
	%D%/other-user.sh \
	%D%/patch.sh \
	%D%/perl.sh \
	%D%/permissions-own.sh \
	%D%/permissions.sh \
	%D%/python.sh \
	%D%/quota.sh \
	%D%/raw.sh \
	%D%/readdir.sh \
	%D%/inherit.sh \
	%D%/redirections.sh \
	%D%/rename-race.sh \
	%D%/restart.sh \
	%D%/ucx-client.sh \
	%D%/ucx-left.sh \
	%D%/renames.sh \
	%D%/rm.sh \
	%D%/rsync.sh \
	%D%/run.sh \
	%D%/security.sh \
	%D%/sed.sh \
	%D%/space.sh \
	%D%/spare.sh \
	%D%/space-limit.sh \
	%D%/spawn.sh \
	%D%/special.sh \
	%D%/split.sh \
	%D%/sqlite.sh \
	%D%/stamps.sh \
	%D%/stages.sh \
	%D%/stat.sh \
	%D%/static.sh \
	%D%/stdio.sh \
	%D%/symbols.sh \
	%D%/symlinks.sh \
	%D%/syncfs.sh \
	%D%/tar.sh \
	%D%/threads.sh \
	%D%/tools.sh \
	%D%/unlinked.sh \
	%D%/self-open.sh \
	%D%/visible.sh \
	%D%/uring.sh \
	%D%/vfork.sh \
	%D%/walks.sh \
	%D%/xargs.sh \
	%D%/xattr.sh \
	$(NULL)

SYSTEM_PY = \
	%D%/py/append.py \
	%D%/py/layout.py \
	%D%/py/attributes.py \
	%D%/py/big-writes.py \
	%D%/py/checksum.py \
	%D%/py/client-death.py \
	%D%/py/come-back.py \
	%D%/py/daemon.py \
	%D%/py/exclusive.py \
	%D%/py/fd-path.py \
	%D%/py/stripe.py \
	%D%/py/stripe_end.py \
	%D%/py/stripe-disk.py \
	%D%/py/files.py \
	%D%/py/kill-daemon.py \
	%D%/py/holes.py \
	%D%/py/limit-reload.py \
	%D%/py/locks.py \
	%D%/py/locks-cases.py \
	%D%/py/mixed.py \
	%D%/py/multiprocess.py \
	%D%/py/names.py \
	%D%/py/offsets.py \
	%D%/py/quota.py \
	%D%/py/quota-reload.py \
	%D%/py/readdir.py \
	%D%/py/rename-race.py \
	%D%/py/rename2.py \
	%D%/py/setuid.py \
	%D%/py/space.py \
	%D%/py/sock.py \
	%D%/py/syncfs.py \
	%D%/py/threads.py \
	%D%/py/ucx-left.py \
	%D%/py/unlinked.py \
	%D%/py/visible.py \
	%D%/py/xattr-limits.py \
	%D%/py/xattr-users.py \
	%D%/py/xattr.py \
	$(NULL)

# What is known not to be kept: each must fail, and is a row of
# docs/conformance.md.
KNOWN_TESTS = \
	%D%/known-acl.sh \
	%D%/known-capability.sh \
	%D%/known-device.sh \
	%D%/known-fifo.sh \
	%D%/known-fsuid.sh \
	%D%/known-inotify.sh \
	%D%/known-map-limit.sh \
	$(NULL)
XFAIL_TESTS = $(KNOWN_TESTS)

TESTS += $(SYSTEM_TESTS) $(KNOWN_TESTS)
EXTRA_DIST += $(SYSTEM_TESTS) $(KNOWN_TESTS) $(SYSTEM_PY) %D%/lib.sh \
	%D%/go/files.go %D%/mpi-io.c %D%/own-malloc.c %D%/raw.h tests/.shellcheckrc

# All of them over UCX; what shared memory cannot do goes over tcp.  Not those
# about what a daemon keeps on disk, which start daemons of their own and whose
# programs run outside of ./run (come-back.sh has a part over UCX).
NOT_OVER_UCX = %D%/descriptors.sh %D%/fd-path.sh %D%/full-disk.sh %D%/kill-daemon.sh %D%/restart.sh \
	%D%/shm-peers.sh %D%/stripe.sh %D%/stripe-disk.sh %D%/stripe-end.sh
.PHONY: check-ucx-tcp check-ucx-shm
check-ucx-tcp check-ucx-shm: $(check_PROGRAMS)
	case $@ in *-tcp) tls=tcp ;; *) tls=shm,tcp,self ;; esac; \
		BENCHFS_TRANSPORT=ucx UCX_TLS=$$tls $(MAKE) $(AM_MAKEFLAGS) check TESTS='$(filter-out $(NOT_OVER_UCX),$(SYSTEM_TESTS))'

# With checksums of content: all data goes through the daemon, shared mappings
# and programs that lie in BenchFS too.
.PHONY: check-checksum
check-checksum: $(check_PROGRAMS)
	BENCHFS_STORAGE_CHECKSUM=true $(MAKE) $(AM_MAKEFLAGS) check \
		TESTS='$(SYSTEM_TESTS)'
