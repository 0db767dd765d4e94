/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/port_local.h"

#include "core/local_io.h"
#include "core/log.h"
#include "core/stats.h"
#include "core/util.h"
#include "server/client_rings.h"
#include "server/client_wakes.h"
#include "server/cores.h"
#include "server/loop.h"
#include "server/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BACKLOG 4096
/* Descriptors that are kept for what clients ask for. */
#define HEADROOM 32
#define PAUSE_NS 100000000u

/* Nobody answers at a dead daemon's socket. */
static bool somebody_listens(const struct sockaddr_un *name)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0);
	bool yes;

	yes = fd >= 0 &&
	      (!connect(fd, (const struct sockaddr *)name, sizeof(*name)) ||
	       errno == EAGAIN);
	if (fd >= 0)
		close(fd);
	return yes;
}

static int listen_at(const char *run_dir, bool others)
{
	struct sockaddr_un name, temp;
	int fd, r = bfs_local_name(&name, run_dir);

	if (r) {
		bfs_log(error,
			"run directory %s: the name of its socket is longer "
			"than the 107 bytes an AF_UNIX address holds; choose a "
			"shorter --run-dir",
			run_dir);
		return r;
	}
	if (somebody_listens(&name)) {
		bfs_log(error, "%s: a daemon is already listening there",
			name.sun_path);
		return -EADDRINUSE;
	}
	/* Under another name until it listens: a client that waits for us
	 * finds the old one, or the new. */
	temp = name;
	temp.sun_path[strlen(temp.sun_path) - strlen("ock")] = '\0';
	unlink(temp.sun_path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&temp, sizeof(temp)) ||
	    chmod(temp.sun_path, others ? 0666 : 0600) || listen(fd, BACKLOG) ||
	    rename(temp.sun_path, name.sun_path)) {
		r = -errno;
		bfs_log(error, "%s: cannot listen: %m", name.sun_path);
		if (fd >= 0)
			close(fd);
		return r;
	}
	return fd;
}

/* Clients that wait in the listener's queue lose nothing, so they wait until
 * others have gone. */
static void pause_accepting(struct bfs_port_local *p)
{
	if (!p->full)
		bfs_log(error,
			"no descriptors for another client (the limit is %d): "
			"new ones wait until others end; ulimit -n",
			p->headroom + HEADROOM);
	p->full = true;
	bfs_loop_del(p->server->loop, p->listener);
	bfs_loop_timer(p->server->loop, &p->pause, bfs_now() + PAUSE_NS);
}

static void on_pause(struct bfs_timer *t)
{
	struct bfs_port_local *p = t->arg;

	if (bfs_port_local_go(p))
		bfs_loop_timer(p->server->loop, t, bfs_now() + PAUSE_NS);
}

/* The lowest free number is taken first: are there enough beyond it? */
static bool has_room(const struct bfs_port_local *p)
{
	int fd;

	if (p->newest < p->headroom - HEADROOM)
		return true; /* it was not long ago */
	fd = fcntl(p->listener, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0 && fd < p->headroom;
}

static void on_accept(void *arg, uint32_t events)
{
	struct bfs_port_local *p = arg;
	int fd;

	/* One in each turn: mostly there is no other. */
	if (!has_room(p)) {
		pause_accepting(p);
		return;
	}
	fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0 && (errno == ENFILE || errno == ENOMEM))
		pause_accepting(p);
	if (fd < 0)
		return;
	p->full = false;
	p->newest = fd;
	bfs_client_new(p, fd);
}

/* Look at the rings that were busy lately. */
static int poll_rings(void *arg)
{
	struct bfs_port_local *p = arg;
	unsigned first = p->first, hot = (unsigned)p->nhot;
	int n = 0;

	p->had_long = bfs_slice_busy(p->server->fs);
	/* The long call of every other turn is one of those who are not hot. */
	if (++p->turn % 2)
		n = bfs_client_poll_late(p);
	/* Who hangs up meanwhile may cost another one this turn. */
	for (unsigned i = 0; i < hot && p->nhot; i++) {
		unsigned at = (first + i) % (unsigned)p->nhot;
		bool had = p->had_long;

		n += bfs_client_poll(p->hot[at]);
		if (!had && p->had_long)
			p->first = at + 1;
	}
	n += bfs_client_poll_late(p);
	return n + bfs_wakes_turn(p);
}

static void tell_core(struct bfs_port_local *p, uint32_t core)
{
	for (int i = 0; i < p->nhot; i++)
		bfs_client_tell_core(p->hot[i], core);
}

bool bfs_port_local_leaves(struct bfs_port_local *p)
{
	if (!bfs_cores_together(bfs_loop_cores(p->server->loop)))
		return false;
	tell_core(p, BFS_RING_MOVING);
	return true;
}

void bfs_port_local_leave(struct bfs_port_local *p)
{
	bfs_cores_leave();
	tell_core(p, (uint32_t)sched_getcpu());
}

static int arm_rings(void *arg)
{
	struct bfs_port_local *p = arg;

	if (p->late || p->nwakes)
		return -EBUSY;
	for (int i = 0; i < p->nhot; i++)
		bfs_client_sleep(p->hot[i]);
	for (int i = 0; i < p->nhot; i++)
		if (bfs_client_posted(p->hot[i])) {
			for (i = 0; i < p->nhot; i++)
				bfs_client_wake(p->hot[i]);
			return -EBUSY;
		}
	for (int i = 0; i < p->nhot; i++)
		p->hot[i]->hot = false;
	p->nhot = 0;
	return 0;
}

static int descriptors(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) || lim.rlim_cur > INT_MAX)
		return INT_MAX;
	return (int)lim.rlim_cur;
}

int bfs_port_local_new(struct bfs_server *s, struct bfs_port_local **out)
{
	struct bfs_port_local *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->server = s;
	p->base.ops = &bfs_client_port_ops;
	p->pause.fn = on_pause;
	p->pause.arg = p;
	p->headroom = descriptors() - HEADROOM;
	p->listener = listen_at(s->run_dir, bfs_client_others(s));
	if (p->listener < 0) {
		r = p->listener;
		free(p);
		return r;
	}
	r = bfs_loop_add(s->loop, p->listener, EPOLLIN, on_accept, p);
	if (!r)
		r = bfs_loop_poller(s->loop, poll_rings, arm_rings, p);
	if (r) {
		close(p->listener);
		free(p);
		return r;
	}
	bfs_rings_begin(p);
	*out = p;
	return 0;
}

void bfs_port_local_hold(struct bfs_port_local *p)
{
	bfs_loop_del(p->server->loop, p->listener);
}

int bfs_port_local_go(struct bfs_port_local *p)
{
	return bfs_loop_add(p->server->loop, p->listener, EPOLLIN, on_accept,
			    p);
}

void bfs_port_local_free(struct bfs_port_local *p)
{
	struct sockaddr_un name;

	bfs_loop_timer(p->server->loop, &p->pause, 0);
	bfs_loop_del(p->server->loop, p->listener);
	close(p->listener);
	if (!bfs_local_name(&name, p->server->run_dir))
		unlink(name.sun_path);
	bfs_client_drop_all(p);
	bfs_rings_end(p);
	free(p);
}
