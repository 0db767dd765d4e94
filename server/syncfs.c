/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/syncfs.h"

#include "core/log.h"
#include "server/fiber.h"
#include "server/inode.h"
#include "server/loop.h"
#include "server/server.h"

#include <errno.h>
#include <linux/magic.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define FD 3	   /* in the other process */
#define CANNOT 255 /* its exit status: it has not tried */

extern char **environ;

struct waiter {
	struct bfs_fiber *fiber;
	bool done;
	int result;
	struct waiter *next;
};

struct bfs_syncfs {
	struct bfs_server *server;
	pid_t pid; /* 0: none */
	int pidfd;
	struct waiter *now, *later; /* for this run, and the next */
};

static int plainly(const struct bfs_server *s)
{
	return syncfs(s->fs->data_fd) ? -errno : 0;
}

/* There is nothing to wait for. */
static bool in_memory(int fd)
{
	struct statfs st;

	return !fstatfs(fd, &st) &&
	       (st.f_type == TMPFS_MAGIC || st.f_type == RAMFS_MAGIC);
}

/* An error is told to each description that was open when it happened, once:
 * so it has to be ours that is synced. */
int bfs_syncfs_main(const char *parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) ||
	    getppid() != (pid_t)strtol(parent, NULL, 10))
		return CANNOT;
	return syncfs(FD) ? errno : EX_OK;
}

static int spawn(struct bfs_syncfs *y)
{
	char parent[12];
	char *argv[] = { (char *)"benchfsd", (char *)"--syncfs", parent, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int e;

	snprintf(parent, sizeof(parent), "%d", getpid());
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, y->server->fs->data_fd, FD);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	e = posix_spawn(&y->pid, "/proc/self/exe", &files, &attr, argv,
			environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	if (e)
		y->pid = 0;
	return -e;
}

static void reap(struct bfs_syncfs *y)
{
	if (y->pidfd >= 0) {
		bfs_loop_del(y->server->loop, y->pidfd);
		close(y->pidfd);
	}
	y->pidfd = -1;
	y->pid = 0;
}

static void answer(struct waiter *list, int result)
{
	struct waiter *next;

	for (; list; list = next) {
		next = list->next;
		list->result = result;
		list->done = true;
		if (list->fiber)
			bfs_fiber_resume(list->fiber);
	}
}

static void begin(struct bfs_syncfs *y);

static void on_end(void *arg, uint32_t events)
{
	struct bfs_syncfs *y = arg;
	struct waiter *list = y->now;
	siginfo_t info = { 0 };
	int r;

	if (waitid(P_PID, (id_t)y->pid, &info, WEXITED | WNOHANG) ||
	    !info.si_pid)
		return;
	reap(y);
	y->now = NULL;
	r = info.si_code == CLD_EXITED && info.si_status != CANNOT
		    ? -info.si_status
		    : plainly(y->server);
	if (y->later)
		begin(y);
	answer(list, r);
}

static int watch(struct bfs_syncfs *y)
{
	y->pidfd = pidfd_open(y->pid, 0);
	if (y->pidfd < 0)
		return -errno;
	return bfs_loop_add(y->server->loop, y->pidfd, EPOLLIN, on_end, y);
}

static void begin(struct bfs_syncfs *y)
{
	struct waiter *list;
	int r = spawn(y);

	y->now = y->later;
	y->later = NULL;
	if (!r)
		r = watch(y);
	if (!r)
		return;
	if (y->pid) {
		kill(y->pid, SIGKILL);
		(void)waitpid(y->pid, NULL, 0);
	}
	reap(y);
	list = y->now;
	y->now = NULL;
	answer(list, plainly(y->server));
}

static struct bfs_syncfs *get(struct bfs_server *s)
{
	if (!s->syncfs)
		s->syncfs = calloc(1, sizeof(*s->syncfs));
	if (s->syncfs && !s->syncfs->server) {
		s->syncfs->server = s;
		s->syncfs->pidfd = -1;
	}
	return s->syncfs;
}

int bfs_syncfs(struct bfs_server *s)
{
	struct waiter w = { .fiber = NULL };
	struct bfs_syncfs *y;

	/* A test, say, without a loop; or no disk. */
	if (!s->daemon || in_memory(s->fs->data_fd))
		return plainly(s);
	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	y = get(s);
	if (!y)
		return plainly(s);
	w.next = y->later;
	y->later = &w;
	if (!y->pid)
		begin(y);
	w.fiber = bfs_fiber_self();
	while (!w.done)
		bfs_fiber_suspend();
	return w.result;
}

void bfs_syncfs_free(struct bfs_server *s)
{
	struct bfs_syncfs *y = s->syncfs;
	struct waiter *now, *later;

	if (!y)
		return;
	if (y->pid) {
		kill(y->pid, SIGKILL);
		(void)waitpid(y->pid, NULL, 0);
	}
	reap(y);
	now = y->now;
	later = y->later;
	y->now = y->later = NULL;
	if (now || later) {
		int r = plainly(s);

		answer(now, r);
		answer(later, r);
	}
	free(y);
	s->syncfs = NULL;
}
