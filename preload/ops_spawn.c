/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * posix_spawn.  If only descriptors are ours, libc does it, with an
 * environment made here; else we fork, since libc's child cannot call us.
 */
#include "core/sys.h"
#include "preload/direct.h"
#include "preload/exec.h"
#include "preload/fd.h"
#include "preload/ops.h"
#include "preload/path.h"
#include "preload/pipe.h"
#include "preload/real.h"
#include "preload/session.h"
#include "preload/spawn_actions.h"

#include <linux/limits.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

struct job {
	const char *file;
	bool search; /* posix_spawnp */
	const posix_spawn_file_actions_t *actions;
	const posix_spawnattr_t *attr;
	char *const *argv;
	char *const *envp;
	uint64_t signals; /* the caller's mask */
};

/* Can libc run it?  *audit as for bfs_exec_is_plain(). */
static bool is_plain(const struct job *j, bool *audit)
{
	char found[PATH_MAX];
	const char *path = j->file;

	*audit = false;
	if (!path || !bfs_actions_plain(j->actions))
		return false;
	if (j->search && !strchr(path, '/')) {
		if (bfs_path_has_ours())
			return false;
		if (!bfs_path_find(path, found, sizeof(found)))
			return false;
		path = found;
	}
	/* What the kernel does not find may be a link that leads to us. */
	return !bfs_owns_path(path) &&
	       !bfs_sys_3(SYS_faccessat, AT_FDCWD, path, F_OK) &&
	       bfs_exec_is_plain(path, j->argv, j->envp, audit);
}

static int call_libc(const struct job *j, struct bfs_env *env, pid_t *pid)
{
	bfs_fd_share_all();
	return -(j->search ? REAL(posix_spawnp)(pid, j->file, j->actions,
						j->attr, j->argv, env->vars)
			   : REAL(posix_spawn)(pid, j->file, j->actions,
					       j->attr, j->argv, env->vars));
}

static int spawn_plain(const struct job *j, bool audit, pid_t *pid)
{
	struct bfs_fd_plan plan = { .n = bfs_actions_reach(j->actions) };
	struct bfs_scratch mem;
	struct bfs_env env;
	int e = bfs_scratch_init(&mem, (size_t)plan.n * sizeof(int) + 64);

	if (e)
		return e;
	plan.from = bfs_scratch_take(&mem, (size_t)plan.n * sizeof(int));
	bfs_actions_plan(j->actions, &plan);
	e = bfs_env_make(&env, 0, j->envp, &plan);
	bfs_scratch_fini(&mem);
	if (e)
		return e;
	e = bfs_env_finish(&env, NULL, -1, audit);
	if (!e)
		e = call_libc(j, &env, pid);
	bfs_env_fini(&env);
	return e;
}

/* Handlers are the parent's; they must not run here. */
static void reset_signals(const posix_spawnattr_t *attr, short flags)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL }, now;
	sigset_t set;

	sigemptyset(&set);
	if (flags & POSIX_SPAWN_SETSIGDEF)
		posix_spawnattr_getsigdefault(attr, &set);
	for (int i = 1; i < NSIG; i++) {
		if (sigismember(&set, i) != 1 &&
		    (sigaction(i, NULL, &now) || now.sa_handler == SIG_DFL ||
		     now.sa_handler == SIG_IGN))
			continue;
		sigaction(i, &dfl, NULL);
	}
}

static int set_scheduling(const posix_spawnattr_t *attr, short flags)
{
	struct sched_param param;
	int policy;

	posix_spawnattr_getschedparam(attr, &param);
	posix_spawnattr_getschedpolicy(attr, &policy);
	if (flags & POSIX_SPAWN_SETSCHEDULER)
		return (int)bfs_sys_3(SYS_sched_setscheduler, 0, policy,
				      &param);
	if (flags & POSIX_SPAWN_SETSCHEDPARAM)
		return (int)bfs_sys_2(SYS_sched_setparam, 0, &param);
	return 0;
}

static int set_group(const posix_spawnattr_t *attr, short flags)
{
	pid_t group;
	int e = 0;

	if (flags & POSIX_SPAWN_SETSID)
		e = (int)bfs_sys_0(SYS_setsid);
	if (e >= 0 && (flags & POSIX_SPAWN_SETPGROUP)) {
		posix_spawnattr_getpgroup(attr, &group);
		e = (int)bfs_sys_2(SYS_setpgid, 0, group);
	}
	return e < 0 ? e : 0;
}

/* This process has made no connection yet: none to renew. */
static int reset_ids(short flags)
{
	long e = 0;

	if (flags & POSIX_SPAWN_RESETIDS)
		e = bfs_sys_3(SYS_setresuid, -1, bfs_sys_0(SYS_getuid), -1);
	if (!e && (flags & POSIX_SPAWN_RESETIDS))
		e = bfs_sys_3(SYS_setresgid, -1, bfs_sys_0(SYS_getgid), -1);
	return (int)e;
}

static void set_mask(const struct job *j, short flags)
{
	sigset_t set;

	if (!(flags & POSIX_SPAWN_SETSIGMASK)) {
		bfs_sys_restore_signals(&j->signals);
		return;
	}
	posix_spawnattr_getsigmask(j->attr, &set);
	bfs_sys_restore_signals((const uint64_t *)&set);
}

/* In the child: returns only with an error. */
static int run(const struct job *j)
{
	short flags = 0;
	int e;

	if (j->attr)
		posix_spawnattr_getflags(j->attr, &flags);
	reset_signals(j->attr, flags);
	e = j->attr ? set_scheduling(j->attr, flags) : 0;
	if (!e)
		e = set_group(j->attr, flags);
	if (!e)
		e = reset_ids(flags);
	if (!e)
		e = bfs_actions_do(j->actions);
	if (e)
		return e;
	set_mask(j, flags);
	return j->search ? bfs_exec_search(j->file, j->argv, j->envp, false)
			 : bfs_exec_path(j->file, j->argv, j->envp);
}

static void child(const struct job *j, int report)
{
	int e = run(j);

	bfs_sys_3(SYS_write, report, &e, sizeof(e));
	bfs_sys_1(SYS_exit_group, 127);
	__builtin_unreachable();
}

/* What the child says that went wrong; 0 if exec closed its end. */
static int hear(int fd, pid_t pid)
{
	long n;
	int e = 0;

	do
		n = bfs_sys_3(SYS_read, fd, &e, sizeof(e));
	while (n == -EINTR);
	if (n != sizeof(e))
		return 0;
	while (bfs_sys_4(SYS_wait4, pid, NULL, 0, NULL) == -EINTR)
		;
	return e;
}

static int spawn_forked(struct job *j, pid_t *pid)
{
	int ends[2], e = bfs_pipe_open(ends);
	pid_t p;

	if (e)
		return e;
	bfs_sys_block_signals(&j->signals);
	/* UCX allocates memory when it connects, so libc must clean up there;
	 * else nothing that fork() does is wanted. */
	p = bfs_settings.ucx || bfs_direct_opened() ? bfs_fork() : bfs__Fork();
	if (p == 0)
		child(j, ends[1]);
	bfs_sys_restore_signals(&j->signals);
	bfs_pipe_close(ends[1]);
	e = p < 0 ? p : hear(ends[0], p);
	bfs_pipe_close(ends[0]);
	if (!e && pid)
		*pid = p;
	return e;
}

static int spawn(struct job *j, pid_t *pid)
{
	bool audit;

	if (is_plain(j, &audit))
		return spawn_plain(j, audit, pid);
	return spawn_forked(j, pid);
}

int bfs_posix_spawn(pid_t *pid, const char *path,
		    const posix_spawn_file_actions_t *actions,
		    const posix_spawnattr_t *attr, char *const argv[],
		    char *const envp[])
{
	struct job j = { path, false, actions, attr, argv, envp, 0 };

	return spawn(&j, pid);
}

int bfs_posix_spawnp(pid_t *pid, const char *file,
		     const posix_spawn_file_actions_t *actions,
		     const posix_spawnattr_t *attr, char *const argv[],
		     char *const envp[])
{
	struct job j = { file, true, actions, attr, argv, envp, 0 };

	return spawn(&j, pid);
}
