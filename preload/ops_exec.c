/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Executing programs that lie anywhere.  A program in BenchFS is executed by
 * a descriptor of its data file; its "#!" line is read here, since the kernel
 * could find neither the script nor an interpreter of ours.
 */
#include "core/sys.h"
#include "core/util.h"
#include "preload/count.h"
#include "preload/datafd.h"
#include "preload/exec_run.h"
#include "preload/fd.h"
#include "preload/mapped.h"
#include "preload/memory.h"
#include "preload/ops.h"
#include "preload/session.h"

#include <errno.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <string.h>

#define ARG_LEN_MAX (32 * 4096) /* of one string: the kernel's */

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U
#endif

void bfs_run_prepare(void)
{
	/* Descriptors with CLOEXEC go without a call to close(). */
	bfs_fd_share_all();
	if (bfs_mapped_count)
		bfs_mapped_sync_all(BFS_FSYNC_MAPPED);
	bfs_session_report();
	bfs_count_early();
}

void bfs_run_head(struct bfs_script *s, int fd)
{
	memset(s, 0, sizeof(*s));
	bfs_sys_4(SYS_pread64, fd, s->head, BFS_SCRIPT_HEAD, 0);
}

int bfs_run_script(struct bfs_run *x, struct bfs_script *s, const char *name,
		   char *const argv[])
{
	size_t n = BFS_SCRIPT_ARGS(bfs_env_count(argv));
	char **args;
	int e = bfs_script_parse(s);

	if (e)
		return e;
	if (++x->level > BFS_SCRIPT_LEVELS)
		return -ELOOP;
	args = bfs_scratch_take(&x->env.mem, n * sizeof(char *));
	if (!args)
		return -E2BIG;
	bfs_script_args(s, name, argv, args);
	return bfs_run_at(x, AT_FDCWD, s->interp, 0, args);
}

static int exec_fd(struct bfs_run *x, int fd, char *const argv[])
{
	return (int)bfs_sys_5(SYS_execveat, fd, "", argv, x->env.vars,
			      AT_EMPTY_PATH);
}

/* From memory: the data directory may be mounted noexec. */
static int exec_copy(struct bfs_run *x, const struct bfs_program *p, bool audit,
		     char *const argv[])
{
	int fd = (int)bfs_sys_2(SYS_memfd_create, "benchfs",
				MFD_CLOEXEC | MFD_EXEC);
	long n, e;

	if (fd == -EINVAL) /* before Linux 6.3 */
		fd = (int)bfs_sys_2(SYS_memfd_create, "benchfs", MFD_CLOEXEC);
	if (fd < 0)
		return -EACCES;
	bfs_sys_lseek(p->fd, 0, SEEK_SET);
	do
		n = bfs_sys_4(SYS_sendfile, fd, p->fd, NULL, 1 << 30);
	while (n > 0 || n == -EINTR);
	e = n ? n : bfs_env_finish(&x->env, p->path, fd, audit);
	if (!e)
		e = exec_fd(x, fd, argv);
	bfs_sys_close(fd);
	return (int)e;
}

static int run_elf(struct bfs_run *x, struct bfs_program *p, char *const argv[])
{
	bool audit;
	int e;

	if (bfs_exec_interp_ours(p->fd, p->interp, sizeof(p->interp)))
		return bfs_run_interp(x, p->fd, true, p->path, p->interp, argv);
	audit = bfs_exec_needs_audit(x->env.vars, p->fd, true);
	e = bfs_env_finish(&x->env, p->path, p->fd, audit);
	if (e)
		return e;
	bfs_run_prepare();
	e = exec_fd(x, p->fd, argv);
	return e == -EACCES ? exec_copy(x, p, audit, argv) : e;
}

static int run_ours(struct bfs_run *x, struct bfs_program *p, int dirfd,
		    const char *name, char *const argv[])
{
	struct bfs_handle h;
	int e;

	p->fd = bfs_datafd(&p->where, BFS_DATAFD_EXEC, NULL, &h);
	if (p->fd == -(int)BFS_ESCAPE)
		return bfs_run_foreign(x, p->where.dirfd, p->where.path, 0,
				       name, argv);
	if (p->fd < 0)
		return p->fd;
	bfs_datafd_path(h, p->path, sizeof(p->path));
	bfs_run_head(&p->script, p->fd);
	/* By a descriptor it has no name but its path. */
	if (dirfd != AT_FDCWD && *name != '/')
		name = p->path;
	if (bfs_script_is(&p->script))
		e = bfs_run_script(x, &p->script, name, argv);
	else
		e = run_elf(x, p, argv);
	bfs_sys_close(p->fd);
	return e;
}

static int refuse_link(int dirfd, const char *path, int flags)
{
	struct stat st;

	if (!(flags & AT_SYMLINK_NOFOLLOW) || !*path)
		return 0;
	/* libc's own name: the file may lie anywhere */
	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	return S_ISLNK(st.st_mode) ? -ELOOP : 0;
}

int bfs_run_at(struct bfs_run *x, int dirfd, const char *path, int flags,
	       char *const argv[])
{
	struct bfs_program *p = bfs_scratch_take(&x->env.mem, sizeof(*p));
	int e;

	if (!p)
		return -E2BIG;
	if (!bfs_owns_at(dirfd, path) || (!*path && !(flags & AT_EMPTY_PATH))) {
		e = bfs_run_foreign(x, dirfd, path, flags, path, argv);
		if (e != -ENOENT || flags || bfs_where(&p->where, dirfd, path))
			return e;
		return bfs_where_lead(&p->where, true)
			       ? run_ours(x, p, dirfd, path, argv)
			       : e;
	}
	e = refuse_link(dirfd, path, flags);
	if (!e)
		e = bfs_where_at(&p->where, dirfd, path, flags);
	return e ? e : run_ours(x, p, dirfd, path, argv);
}

/* A list of strings up to its NULL; none at all counts as empty. */
static bool bad_list(char *const list[])
{
	for (; list; list++) {
		if (bfs_mem_in(list, sizeof(*list)) ||
		    (*list && bfs_mem_str(*list, ARG_LEN_MAX) < 0))
			return true;
		if (!*list)
			break;
	}
	return false;
}

/* EFAULT, unless the program itself is the first thing that is wrong. */
static int refuse_lists(int dirfd, const char *path, char *const argv[],
			char *const envp[], int flags)
{
	int e;

	if (!bfs_owns_at(dirfd, path))
		return (int)bfs_sys_5(SYS_execveat, dirfd, path, argv, envp,
				      flags);
	e = bfs_faccessat(dirfd, path, X_OK, flags | AT_EACCESS);
	return e ? e : -EFAULT;
}

static int exec_at(int dirfd, const char *path, char *const argv[],
		   char *const envp[], int flags)
{
	struct bfs_run x = { .level = 0 };
	int e;

	if (bfs_mem_str(path, BFS_PATH_MAX) < 0)
		return -EFAULT;
	if (bad_list(argv) || bad_list(envp))
		return refuse_lists(dirfd, path, argv, envp, flags);
	e = bfs_env_make(&x.env, bfs_env_count(argv), envp, NULL);
	if (e)
		return e;
	e = bfs_run_at(&x, dirfd, path, flags, argv);
	bfs_env_fini(&x.env);
	return e;
}

int bfs_exec_path(const char *path, char *const argv[], char *const envp[])
{
	return exec_at(AT_FDCWD, path, argv, envp, 0);
}

int bfs_execve(const char *path, char *const argv[], char *const envp[])
{
	return bfs_exec_path(path, argv, envp);
}

int bfs_execv(const char *path, char *const argv[])
{
	return bfs_exec_path(path, argv, environ);
}

int bfs_execveat(int dirfd, const char *path, char *const argv[],
		 char *const envp[], int flags)
{
	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	return exec_at(dirfd, path, argv, envp, flags);
}

int bfs_fexecve(int fd, char *const argv[], char *const envp[])
{
	if (fd < 0 || !argv || !envp)
		return -EINVAL;
	return exec_at(fd, "", argv, envp, AT_EMPTY_PATH);
}
