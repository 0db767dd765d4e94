/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Programs elsewhere.  The kernel runs them, but for scripts whose interpreter
 * is ours, and for ld.so with a program of ours.
 */
#include "core/sys.h"
#include "preload/datafd.h"
#include "preload/exec_run.h"
#include "preload/ops.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int stat_foreign(int dirfd, const char *path, int flags, struct stat *st)
{
	return (int)bfs_sys_4(SYS_newfstatat, dirfd, path, st,
			      flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
}

/* The first bytes of a foreign program, if reading does no harm. */
static int open_foreign(int dirfd, const char *path, int flags,
			const struct stat *st)
{
	if (!S_ISREG(st->st_mode) || !(st->st_mode & 0111))
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

/* Who runs it. */
enum runner { KERNEL, OUR_SCRIPT, OUR_INTERP };

struct look {
	struct bfs_script script;
	char interp[BFS_PATH_MAX]; /* PT_INTERP, with OUR_INTERP */
	bool audit;
};

/*
 * What the kernel runs whatever the working directory is, as seen before: a
 * shell that uses vfork starts the same few again and again.  A file that was
 * changed a moment ago may change again within the same tick of its ctime.
 */
#define SEEN 16
#define TICK_S 2
static struct {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
} seen[SEEN];

static unsigned seen_at(const struct stat *st)
{
	return (unsigned)st->st_ino % SEEN;
}

/* Any thread: half of one and half of another is like neither. */
static bool is_seen(const struct stat *st)
{
	unsigned i = seen_at(st);

	return seen[i].ino == st->st_ino && seen[i].dev == st->st_dev &&
	       seen[i].size == st->st_size &&
	       seen[i].changed.tv_sec == st->st_ctim.tv_sec &&
	       seen[i].changed.tv_nsec == st->st_ctim.tv_nsec &&
	       S_ISREG(st->st_mode) && (st->st_mode & 0111);
}

static void note_seen(const struct stat *st)
{
	unsigned i = seen_at(st);
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) ||
	    now.tv_sec - st->st_ctim.tv_sec < TICK_S)
		return;
	seen[i].ino = st->st_ino;
	seen[i].dev = st->st_dev;
	seen[i].size = st->st_size;
	seen[i].changed = st->st_ctim;
}

static enum runner look_into(struct look *l, char *const envp[], int fd,
			     const struct stat *st, bool renamed)
{
	bfs_run_head(&l->script, fd);
	if (is_our_script(&l->script, renamed))
		return OUR_SCRIPT;
	l->interp[0] = '\0';
	if (bfs_exec_interp_ours(fd, l->interp, sizeof(l->interp)))
		return OUR_INTERP;
	l->audit = bfs_exec_needs_audit(envp, fd, false);
	if (!strncmp(l->interp, "/lib", 4) && bfs_exec_names_nothing(fd))
		note_seen(st);
	return KERNEL;
}

static enum runner look(struct look *l, char *const envp[], int dirfd,
			const char *path, int flags, bool renamed)
{
	enum runner who;
	struct stat st;
	int fd;

	l->audit = false;
	l->script.head[0] = '\0';
	if (stat_foreign(dirfd, path, flags, &st))
		return KERNEL;
	if (is_seen(&st)) {
		l->audit = bfs_exec_env_needs_audit(envp);
		return KERNEL;
	}
	fd = open_foreign(dirfd, path, flags, &st);
	if (fd < 0)
		return KERNEL;
	who = look_into(l, envp, fd, &st, renamed);
	bfs_sys_close(fd);
	return who;
}

bool bfs_exec_is_plain(const char *path, char *const argv[], char *const envp[],
		       bool *audit)
{
	struct look l;
	bool plain = look(&l, envp, AT_FDCWD, path, 0, false) == KERNEL &&
		     !bfs_rtld_program(path, argv);

	*audit = l.audit;
	return plain;
}

/* The kernel runs it.  It is ours only as exe says. */
static int exec_foreign(struct bfs_run *x, int dirfd, const char *path,
			int flags, char *const argv[], bool audit,
			const char *exe)
{
	int e = bfs_env_finish(&x->env, exe, -1, audit);

	if (e)
		return e;
	bfs_run_prepare();
	if (dirfd == AT_FDCWD && !flags)
		return (int)bfs_sys_3(SYS_execve, path, argv, x->env.vars);
	return (int)bfs_sys_5(SYS_execveat, dirfd, path, argv, x->env.vars,
			      flags);
}

/* "ld.so PROGRAM": gets a descriptor in place of argv[at]. */
static int run_rtld(struct bfs_run *x, const char *path, char *const argv[],
		    int at)
{
	size_t n = bfs_env_count(argv) + 1;
	char **args = bfs_scratch_take(&x->env.mem, n * sizeof(char *));
	struct bfs_program *p = bfs_scratch_take(&x->env.mem, sizeof(*p));
	char name[32];
	int e;

	if (!args || !p)
		return -E2BIG;
	p->fd = bfs_where(&p->where, AT_FDCWD, argv[at]);
	if (!p->fd)
		p->fd = bfs_datafd(&p->where, BFS_DATAFD_COPY, NULL, NULL);
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

/* The kernel finds everything of it but its ld.so. */
static int run_foreign_interp(struct bfs_run *x, int dirfd, const char *path,
			      int flags, const struct look *l,
			      char *const argv[])
{
	struct stat st;
	int fd = stat_foreign(dirfd, path, flags, &st)
			 ? -EACCES
			 : open_foreign(dirfd, path, flags, &st);
	int e;

	if (fd < 0)
		return fd;
	e = bfs_sys_4(SYS_faccessat2, dirfd, path, X_OK, AT_EACCESS | flags)
		    ? -EACCES
		    : bfs_run_interp(x, fd, false, *path == '/' ? path : NULL,
				     l->interp, argv);
	bfs_sys_close(fd);
	return e;
}

int bfs_run_foreign(struct bfs_run *x, int dirfd, const char *path, int flags,
		    const char *name, char *const argv[])
{
	struct look *l = bfs_scratch_take(&x->env.mem, sizeof(*l));
	int at = dirfd == AT_FDCWD ? bfs_rtld_program(path, argv) : 0;
	enum runner who;
	int e = 0;

	if (!l)
		return -E2BIG;
	if (at)
		return run_rtld(x, path, argv, at);
	who = look(l, x->env.vars, dirfd, path, flags, name != path);
	if (who == OUR_INTERP)
		return run_foreign_interp(x, dirfd, path, flags, l, argv);
	if (who == KERNEL)
		e = exec_foreign(x, dirfd, path, flags, argv, l->audit, NULL);
	/* An interpreter that the kernel does not find may be a link to us.
	 * The script is executed, not only read: is that permitted? */
	if ((!e || e == -ENOENT) && bfs_script_is(&l->script))
		e = bfs_sys_4(SYS_faccessat2, dirfd, path, X_OK, AT_EACCESS)
			    ? -EACCES
			    : bfs_run_script(x, &l->script, name, argv);
	return e;
}
