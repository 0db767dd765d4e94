/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program that makes no call any more cannot close its connections, and the
 * daemons cannot close them for it (UCX 1.13 keeps a socket to receive on).  So
 * a timer ends them, on UCX's own thread, which makes no call of UCX: it takes
 * the sockets down, with the lock held, and marks the ways as failed, so that
 * whoever comes next sends nothing into them.
 */
#include "core/log.h"
#include "core/sys.h"
#include "core/ucx_client.h"
#include "core/util.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <ucs/async/async_fwd.h>

#define LOOKS 4 /* in the time of one */

/* Is it still UCX's, and a connection? */
static bool is_connection(const struct bfs_ucx_fds *f, int i)
{
	struct sockaddr_storage to;
	socklen_t n = sizeof(to);
	struct stat st;

	return f->ino[i] && !bfs_sys_2(SYS_fstat, f->fd[i], &st) &&
	       st.st_ino == f->ino[i] && S_ISSOCK(st.st_mode) &&
	       !bfs_sys_3(SYS_getpeername, f->fd[i], &to, &n) &&
	       (to.ss_family == AF_INET || to.ss_family == AF_INET6);
}

static void disconnect(struct bfs_ucx_way *w)
{
	for (int i = 0; i < w->fds.n; i++)
		if (is_connection(&w->fds, i))
			bfs_sys_2(SYS_shutdown, w->fds.fd[i], SHUT_RDWR);
	w->failed = w->client->trouble = true;
}

static bool all_idle(const struct bfs_ucx_client *u)
{
	uint64_t now = bfs_now();
	const struct bfs_ucx_way *w;

	for (int i = 0; i < BFS_UCX_SLOTS; i++)
		if (u->slot[i].claimed)
			return false;
	for (w = u->ways; w; w = w->next)
		if (!w->idle || w->opening || w->failed || w->dead ||
		    now < w->used + w->idle)
			return false;
	return u->ways;
}

/* The thread's signals are blocked.  Who has the lock is not idle. */
static void on_time(int id, ucs_event_set_types_t events, void *arg)
{
	struct bfs_ucx_client *u = arg;
	uint32_t is = 0;
	uint64_t junk;

	bfs_sys_3(SYS_read, u->idle_fd, &junk, sizeof(junk));
	if (!atomic_compare_exchange_strong(&u->lock, &is, 1))
		return;
	if (all_idle(u))
		for (struct bfs_ucx_way *w = u->ways; w; w = w->next)
			disconnect(w);
	bfs_ucx_unlock_only(u);
}

static int start(struct bfs_ucx_client *u)
{
	ucs_status_t st;

	u->idle_fd = (int)bfs_sys_2(SYS_timerfd_create, CLOCK_MONOTONIC,
				    TFD_CLOEXEC | TFD_NONBLOCK);
	if (u->idle_fd < 0)
		return u->idle_fd;
	st = ucs_async_set_event_handler(UCS_ASYNC_MODE_THREAD_SPINLOCK,
					 u->idle_fd, UCS_EVENT_SET_EVREAD,
					 on_time, u, NULL);
	if (st == UCS_OK)
		return 0;
	bfs_sys_close(u->idle_fd);
	u->idle_fd = -1;
	return bfs_ucx_errno(st);
}

int bfs_ucx_idle_start(struct bfs_ucx_client *u)
{
	/* Without that thread another would be made. */
	return u->ucx_tid && !bfs_ucx_forked() ? start(u) : -ENOSYS;
}

void bfs_ucx_idle_stop(struct bfs_ucx_client *u)
{
	if (u->idle_fd < 0)
		return;
	ucs_async_remove_handler(u->idle_fd, 1);
	bfs_sys_close(u->idle_fd);
	u->idle_fd = -1;
}

void bfs_ucx_idle_after(struct bfs_transport *t, uint64_t ns)
{
	struct bfs_ucx_way *w = bfs_container_of(t, struct bfs_ucx_way, base);
	struct bfs_ucx_client *u = w->client;
	uint64_t every = ns / LOOKS, signals;
	const struct timespec s = { (time_t)(every / 1000000000u),
				    (long)(every % 1000000000u) };
	struct itimerspec i = { s, s };

	bfs_ucx_lock(u, &signals);
	w->used = bfs_now();
	w->idle = ns;
	bfs_ucx_unlock(u, &signals);
	if (u->idle_fd >= 0)
		bfs_sys_4(SYS_timerfd_settime, u->idle_fd, 0, &i, NULL);
}
