/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/port_ucx.h"

#include "core/log.h"
#include "core/ucx_env.h"
#include "core/util.h"
#include "server/join.h"
#include "server/server.h"
#include "server/ucx_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <ucs/config/global_opts.h>

#define PROGRESS 8 /* calls per turn: no source starves another */

const struct bfs_port_ops bfs_ucx_port_ops = {
	.name = "ucx",
	.passes_fds = false,
	.peers = true,
	.reply = bfs_ucx_reply,
	.drop = bfs_ucx_drop,
	.attach = bfs_ucx_attach,
	.detach = bfs_ucx_detach,
};

/*
 * It tells each event once: only arming reads what wakes us, and whoever sends
 * to an armed worker has to wake it, so we arm when we are about to sleep.
 */
static void on_fd(void *arg, uint32_t events)
{
	struct bfs_port_ucx *p = arg;

	p->awake = true;
}

/* The turn that follows tries again. */
static void on_greet(struct bfs_timer *t)
{
}

static bool quiet(const struct bfs_port_ucx *p)
{
	return !p->ready && !p->failed && (!p->daemons || p->daemons->quiet(p));
}

/*
 * For tcp arming looks at nothing, and what a progress has left in a socket
 * (the half of a greeting) is no new event: nobody would ever tell us.
 */
static bool readable(const struct bfs_port_ucx *p)
{
	struct pollfd fd = { p->door->ucx.fd, POLLIN, 0 };

	return poll(&fd, 1, 0) != 0; /* rather once more than never */
}

static int arm_ucx(void *arg)
{
	struct bfs_port_ucx *p = arg;
	ucs_status_t st;

	if (!quiet(p))
		return -EBUSY;
	/* Whatever it says: only an armed one wakes us. */
	st = ucp_worker_arm(p->door->ucx.worker);
	p->awake = st != UCS_OK || readable(p);
	return p->awake ? -EBUSY : 0;
}

static int poll_ucx(void *arg)
{
	struct bfs_port_ucx *p = arg;
	int n = 0;

	/* Nobody uses it: it costs the other ports nothing. */
	if (!p->awake && !p->npeers && !p->nout)
		return 0;
	for (int i = 0; i < PROGRESS; i++) {
		int did = (int)ucp_worker_progress(p->door->ucx.worker);

		if (!did)
			break;
		n += did;
	}
	n += bfs_ucx_peer_reap(p);
	n += bfs_ucx_greet(p);
	n += bfs_ucx_serve(p);
	if (p->daemons)
		n += p->daemons->poll(p);
	if (!n && !p->npeers && !p->nout)
		arm_ucx(p); /* nobody polls from now on */
	return n;
}

/* The daemon is linked with UCX, which has read its environment by now. */
static void set_globals(void)
{
	static const char *const opts[][2] = {
		{ "HANDLE_ERRORS", "none" },
		{ "LOG_LEVEL", "fatal" },
	};

	for (size_t i = 0; i < BFS_COUNT(opts); i++) {
		char name[64];

		snprintf(name, sizeof(name), "UCX_%s", opts[i][0]);
		if (!getenv(name))
			ucs_global_opts_set_value(opts[i][0], opts[i][1]);
	}
}

static int open_ucx(struct bfs_port_ucx *p)
{
	const ucp_am_recv_callback_t handlers[BFS_UCX_IDS] = {
		[BFS_UCX_REQUEST] = bfs_ucx_on_request,
		[BFS_UCX_REPLY] = p->daemons ? p->daemons->on_reply : NULL,
		[BFS_UCX_RESET] = p->daemons ? p->daemons->on_reset : NULL,
		[BFS_UCX_PROBE] = bfs_ucx_on_probe,
	};
	struct bfs_ucx_env env;
	int r = bfs_ucx_env_enter(&env, p->eager_max, false);

	if (r)
		return r;
	set_globals();
	r = bfs_ucx_open(&p->door->ucx);
	bfs_ucx_env_leave(&env);
	if (r)
		return r;
	return bfs_ucx_handle(&p->door->ucx, handlers, p,
			      UCP_AM_FLAG_WHOLE_MSG |
				      UCP_AM_FLAG_PERSISTENT_DATA);
}

static int write_all(int fd, const void *buf, size_t len)
{
	ssize_t n = write(fd, buf, len);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? fsync(fd) : -ENOSPC;
}

/* Whole or not at all: a client never reads half an address. */
static int write_file(const struct bfs_server *s, const void *buf, size_t len)
{
	bool others = s->allow_all || s->nallowed;
	char path[PATH_MAX], temp[PATH_MAX];
	int fd, r;

	snprintf(path, sizeof(path), "%s/ucx.addr", s->run_dir);
	snprintf(temp, sizeof(temp), "%s/ucx.addr.%d", s->run_dir, getpid());
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	/* whatever our umask is */
	if (fd < 0 || (others && fchmod(fd, 0644))) {
		r = -errno;
		if (fd >= 0)
			close(fd);
	} else {
		r = write_all(fd, buf, len);
		close(fd);
		if (!r && rename(temp, path))
			r = -errno;
		if (r)
			unlink(temp);
	}
	if (r)
		bfs_log(error, "%s: cannot write our address: %s", path,
			strerror(-r));
	return r;
}

static int publish(struct bfs_port_ucx *p)
{
	void *address;
	size_t len;
	int r = bfs_ucx_address(&p->door->ucx, &address, &len);

	if (!r)
		r = bfs_ucx_add_ports(&address, &len);
	if (r)
		return r;
	r = write_file(p->server, address, len);
	if (!r)
		r = bfs_join_publish(p->server, address, len);
	free(address);
	return r;
}

/* Published only when we are ready to serve. */
static int open_door(struct bfs_port_ucx *p)
{
	int r;

	p->door = calloc(1, sizeof(*p->door));
	if (!p->door)
		return -ENOMEM;
	p->door->ucx.fd = -1;
	r = open_ucx(p);
	if (!r)
		r = bfs_loop_add(p->server->loop, p->door->ucx.fd,
				 EPOLLIN | EPOLLET, on_fd, p);
	if (!r)
		r = p->daemons ? p->daemons->open(p) : 0;
	if (!r)
		r = publish(p);
	if (r) {
		if (p->door->ucx.fd >= 0)
			bfs_loop_del(p->server->loop, p->door->ucx.fd);
		bfs_ucx_close(&p->door->ucx);
		free(p->door);
	}
	return r;
}

static void free_door(struct bfs_ucx_door *d)
{
	bfs_ucx_close(&d->ucx);
	free(d);
}

void bfs_ucx_door_put(struct bfs_ucx_door *d)
{
	if (!--d->users && d->left)
		free_door(d);
}

void bfs_ucx_door_change(struct bfs_port_ucx *p)
{
	struct bfs_ucx_door *old = p->door;
	int r;

	r = open_door(p);
	if (r) { /* the old one has to do */
		p->door = old;
		bfs_log(error, "ucx: not opened anew: %s", strerror(-r));
		return;
	}
	bfs_loop_del(p->server->loop, old->ucx.fd);
	p->awake = true;
	old->left = true;
	if (!old->users)
		free_door(old);
}

int bfs_port_ucx_new(struct bfs_server *s, size_t eager_max,
		     const struct bfs_ucx_daemons *daemons,
		     struct bfs_port_ucx **out)
{
	struct bfs_port_ucx *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->base.ops = &bfs_ucx_port_ops;
	p->server = s;
	p->eager_max = eager_max;
	p->daemons = daemons;
	p->awake = true;
	p->sweep.fn = bfs_ucx_sweep;
	p->greet.fn = on_greet;
	p->probe.timer.fn = bfs_ucx_probe_look;
	p->sweep.arg = p->greet.arg = p->probe.timer.arg = p;
	r = open_door(p);
	if (r) {
		free(p);
		return r;
	}
	s->over = bfs_ucx_probe;
	s->over_arg = p;
	bfs_ucx_left_soon(p); /* of earlier runs */
	r = bfs_loop_poller(s->loop, poll_ucx, arm_ucx, p);
	if (r)
		bfs_port_ucx_free(p);
	else
		*out = p;
	return r;
}

void bfs_port_ucx_free(struct bfs_port_ucx *p)
{
	uint64_t until = bfs_now() + BFS_UCX_CLOSE_NS;
	struct bfs_ucx_peer *peer, *next;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/ucx.addr", p->server->run_dir);
	unlink(path);
	bfs_loop_del(p->server->loop, p->door->ucx.fd);
	bfs_loop_timer(p->server->loop, &p->sweep, 0);
	bfs_loop_timer(p->server->loop, &p->greet, 0);
	bfs_loop_timer(p->server->loop, &p->left, 0);
	p->server->over = NULL;
	bfs_ucx_probe_end(p);
	HASH_ITER(hh, p->peers, peer, next)
	bfs_ucx_peer_drop(peer);
	bfs_ucx_peer_reap(p);
	while (p->nclosing && bfs_now() < until)
		ucp_worker_progress(p->door->ucx.worker);
	free_door(p->door);
	bfs_ucx_call_free_pools(p);
	free(p);
}
