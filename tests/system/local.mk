# System tests: one script per behaviour; lib.sh says how they are written.

# C programs that the scripts run, each of one file, NAME.c.
SYSTEM_HELPERS = \
	%D%/tree \
	$(NULL)
check_PROGRAMS += $(SYSTEM_HELPERS)

SYSTEM_TESTS = \
	%D%/cp.sh \
	%D%/cwd.sh \
	%D%/dd.sh \
	%D%/du.sh \
	%D%/ed.sh \
	%D%/exec.sh \
	%D%/find.sh \
	%D%/gcc.sh \
	%D%/git.sh \
	%D%/grep.sh \
	%D%/ls.sh \
	%D%/make.sh \
	%D%/multiprocessing.sh \
	%D%/mv.sh \
	%D%/patch.sh \
	%D%/perl.sh \
	%D%/python.sh \
	%D%/redirections.sh \
	%D%/rm.sh \
	%D%/rsync.sh \
	%D%/sed.sh \
	%D%/split.sh \
	%D%/sqlite.sh \
	%D%/tar.sh \
	%D%/xargs.sh \
	$(NULL)

# A subset that `make check` runs over UCX too; ucx/over.sh.
SYSTEM_UCX_TESTS = \
	%D%/ucx/shm-exec.sh \
	%D%/ucx/shm-sqlite.sh \
	%D%/ucx/shm-tar.sh \
	%D%/ucx/tcp-cp.sh \
	%D%/ucx/tcp-git.sh \
	%D%/ucx/tcp-python.sh \
	$(NULL)

TESTS += $(SYSTEM_TESTS) $(SYSTEM_UCX_TESTS)
EXTRA_DIST += $(SYSTEM_TESTS) $(SYSTEM_UCX_TESTS) %D%/lib.sh \
	%D%/.shellcheckrc %D%/ucx/over.sh

# All of them over UCX.
.PHONY: check-ucx-tcp check-ucx-shm
check-ucx-tcp check-ucx-shm: $(check_PROGRAMS)
	tls=$@; BENCHFS_TRANSPORT=ucx UCX_TLS=$${tls#check-ucx-} \
		$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(SYSTEM_TESTS)'
