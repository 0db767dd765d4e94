/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Executing programs that lie anywhere.  A program in BenchFS is executed by
 * a descriptor of its data file; its "#!" line is read here, since the kernel
 * could find neither the script nor an interpreter of ours.
 */
#include "core/sys.h"
#include "core/util.h"
#include "preload/datafd.h"
#include "preload/exec.h"
#include "preload/fd.h"
#include "preload/ops.h"
#include "preload/path.h"
#include "preload/script.h"
#include "preload/session.h"

#include <errno.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <string.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U
#endif

struct run {
	struct bfs_env env;
	int level; /* of scripts */
};

/* A program in BenchFS. */
struct program {
	struct bfs_where where;
	struct bfs_script script;
	char path[BFS_PATH_MAX];
	int fd;
};

static int run_at(struct run *x, int dirfd, const char *path, int flags,
		  char *const argv[]);

/* What cannot be done behind the exec.  Nothing breaks if it fails. */
static void prepare(void)
{
	/* Descriptors with CLOEXEC go without a call to close(). */
	bfs_fd_share_all();
	bfs_session_report();
}

static void read_head(struct bfs_script *s, int fd)
{
	memset(s, 0, sizeof(*s));
	bfs_sys_4(SYS_pread64, fd, s->head, BFS_SCRIPT_HEAD, 0);
}

static int run_script(struct run *x, struct bfs_script *s, const char *name,
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
	return run_at(x, AT_FDCWD, s->interp, 0, args);
}

static int exec_fd(struct run *x, int fd, char *const argv[])
{
	return (int)bfs_sys_5(SYS_execveat, fd, "", argv, x->env.vars,
			      AT_EMPTY_PATH);
}

/* From memory: the data directory may be mounted noexec. */
static int exec_copy(struct run *x, const struct program *p, bool audit,
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

static int run_elf(struct run *x, const struct program *p, char *const argv[])
{
	bool audit = bfs_exec_needs_audit(x->env.vars, p->fd, true);
	int e = bfs_env_finish(&x->env, p->path, p->fd, audit);

	if (e)
		return e;
	prepare();
	e = exec_fd(x, p->fd, argv);
	return e == -EACCES ? exec_copy(x, p, audit, argv) : e;
}

/* The first bytes of a foreign program, if reading does no harm. */
static int open_foreign(int dirfd, const char *path, int flags)
{
	struct stat st;
	long e = bfs_sys_4(SYS_newfstatat, dirfd, path, &st,
			   flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));

	if (e || !S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return -EACCES;
	if (!*path)
		return bfs_sys_fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	return bfs_sys_openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK,
			      0);
}

/* A script's interpreter is ours, or the script was reached through BenchFS
 * and the kernel would call it by another name. */
static bool is_our_script(struct bfs_script *s, bool renamed)
{
	struct bfs_script copy;

	if (!bfs_script_is(s))
		return false;
	copy = *s;
	return !bfs_script_parse(&copy) &&
	       (renamed || bfs_owns_path(copy.interp));
}

/* 1: run the script s ourselves; 0: the kernel can. */
static int look(struct bfs_script *s, char *const envp[], int dirfd,
		const char *path, int flags, bool renamed, bool *audit)
{
	int fd = open_foreign(dirfd, path, flags);
	bool ours;

	*audit = false;
	if (fd < 0)
		return 0;
	read_head(s, fd);
	ours = is_our_script(s, renamed);
	*audit = !ours && bfs_exec_needs_audit(envp, fd, false);
	bfs_sys_close(fd);
	return ours;
}

bool bfs_exec_is_plain(const char *path, char *const argv[], char *const envp[],
		       bool *audit)
{
	struct bfs_script s;

	return !look(&s, envp, AT_FDCWD, path, 0, false, audit) &&
	       !bfs_rtld_program(path, argv);
}

/* The kernel runs it.  It is ours only as exe says. */
static int exec_foreign(struct run *x, int dirfd, const char *path, int flags,
			char *const argv[], bool audit, const char *exe)
{
	int e = bfs_env_finish(&x->env, exe, -1, audit);

	if (e)
		return e;
	prepare();
	if (dirfd == AT_FDCWD && !flags)
		return (int)bfs_sys_3(SYS_execve, path, argv, x->env.vars);
	return (int)bfs_sys_5(SYS_execveat, dirfd, path, argv, x->env.vars,
			      flags);
}

/* "ld.so PROGRAM": gets a descriptor in place of argv[at]. */
static int run_rtld(struct run *x, const char *path, char *const argv[], int at)
{
	size_t n = bfs_env_count(argv) + 1;
	char **args = bfs_scratch_take(&x->env.mem, n * sizeof(char *));
	struct program *p = bfs_scratch_take(&x->env.mem, sizeof(*p));
	char name[32];
	int e;

	if (!args || !p)
		return -E2BIG;
	p->fd = bfs_where(&p->where, AT_FDCWD, argv[at]);
	if (!p->fd)
		p->fd = bfs_datafd(&p->where, BFS_DATAFD_MAP, NULL, NULL);
	if (p->fd < 0) /* ld.so says so, of a name that it does not find */
		snprintf(name, sizeof(name), "/proc/self/fd/none");
	else
		snprintf(name, sizeof(name), "/proc/self/fd/%d", p->fd);
	memcpy(args, argv, n * sizeof(char *));
	args[at] = name;
	if (p->fd < 0)
		return exec_foreign(x, AT_FDCWD, path, 0, args, false, NULL);
	bfs_sys_fcntl(p->fd, F_SETFD, 0);
	e = exec_foreign(x, AT_FDCWD, path, 0, args,
			 bfs_exec_needs_audit(x->env.vars, p->fd, true),
			 argv[at]);
	bfs_sys_close(p->fd);
	return e;
}

static int run_foreign(struct run *x, int dirfd, const char *path, int flags,
		       const char *name, char *const argv[])
{
	struct bfs_script *s = bfs_scratch_take(&x->env.mem, sizeof(*s));
	int at = dirfd == AT_FDCWD ? bfs_rtld_program(path, argv) : 0;
	bool audit;

	if (!s)
		return -E2BIG;
	if (at)
		return run_rtld(x, path, argv, at);
	/* The permission first: the script is executed, not only read. */
	if (look(s, x->env.vars, dirfd, path, flags, name != path, &audit) &&
	    !bfs_sys_4(SYS_faccessat2, dirfd, path, X_OK, AT_EACCESS))
		return run_script(x, s, name, argv);
	return exec_foreign(x, dirfd, path, flags, argv, audit, NULL);
}

static int run_ours(struct run *x, struct program *p, int dirfd,
		    const char *name, char *const argv[])
{
	struct bfs_handle h;
	int e;

	p->fd = bfs_datafd(&p->where, BFS_DATAFD_EXEC, NULL, &h);
	if (p->fd == -(int)BFS_ESCAPE)
		return run_foreign(x, p->where.dirfd, p->where.path, 0, name,
				   argv);
	if (p->fd < 0)
		return p->fd;
	bfs_datafd_path(h, p->path, sizeof(p->path));
	read_head(&p->script, p->fd);
	/* By a descriptor it has no name but its path. */
	if (dirfd != AT_FDCWD && *name != '/')
		name = p->path;
	if (bfs_script_is(&p->script))
		e = run_script(x, &p->script, name, argv);
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

static int run_at(struct run *x, int dirfd, const char *path, int flags,
		  char *const argv[])
{
	struct program *p;
	int e;

	if (!path || !bfs_owns_at(dirfd, path) ||
	    (!*path && !(flags & AT_EMPTY_PATH)))
		return run_foreign(x, dirfd, path ? path : "", flags,
				   path ? path : "", argv);
	p = bfs_scratch_take(&x->env.mem, sizeof(*p));
	if (!p)
		return -E2BIG;
	e = refuse_link(dirfd, path, flags);
	if (!e)
		e = bfs_where_at(&p->where, dirfd, path, flags);
	return e ? e : run_ours(x, p, dirfd, path, argv);
}

static int exec_at(int dirfd, const char *path, char *const argv[],
		   char *const envp[], int flags)
{
	struct run x = { .level = 0 };
	int e;

	if (!path)
		return -EFAULT;
	e = bfs_env_make(&x.env, bfs_env_count(argv), envp, NULL);
	if (e)
		return e;
	e = run_at(&x, dirfd, path, flags, argv);
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
