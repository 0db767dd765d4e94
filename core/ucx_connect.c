/* SPDX-License-Identifier: BSD-3-Clause */
/* The client's side of UCX: opening it, and the endpoint to a daemon. */
#include "core/log.h"
#include "core/sys.h"
#include "core/ucx_async.h"
#include "core/ucx_client.h"
#include "core/util.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

__attribute__((visibility("default"))) bfs_ucx_connect_fn bfs_ucx_connect;

#define SPIN_US 20 /* before the first sleep */

struct setting_up {
	struct bfs_ucx_client *u;
	struct bfs_ucx_way *w;
	bool fresh; /* the client is */
	size_t len;
	void (*begin)(void);
	uint8_t address[];
};

/* The process's; a forked child begins with none. */
static struct bfs_ucx_client *current;
/* Of broken clients, which stay in the list of ucx_fork.c. */
static struct bfs_ucx_way *left;

/* Called by UCX under the lock.  The endpoint is closed once it returned. */
static void on_error(void *arg, ucp_ep_h ep, ucs_status_t status)
{
	struct bfs_ucx_way *w = arg;

	bfs_log(info, "ucx: the daemon is gone: %s", ucs_status_string(status));
	w->failed = w->client->trouble = true;
}

/* The daemon has given us up, or has never heard of us. */
static ucs_status_t on_reset(void *arg, const void *header, size_t header_len,
			     void *data, size_t len,
			     const ucp_am_recv_param_t *param)
{
	struct bfs_ucx_client *u = arg;
	struct bfs_ucx_head h;
	const uint8_t *fields;
	bool known;

	if (bfs_ucx_parse(header, header_len, len, &h, &fields))
		return UCS_OK;
	bfs_log(info, "ucx: the daemon does not know this connection");
	known = h.slot < BFS_UCX_SLOTS && u->slot[h.slot].io;
	for (struct bfs_ucx_way *w = u->ways; w; w = w->next)
		if (!known || w == u->slot[h.slot].way)
			w->failed = u->trouble = true;
	return UCS_OK;
}

static int open_client(struct bfs_ucx_client *u)
{
	static const ucp_am_recv_callback_t handlers[BFS_UCX_IDS] = {
		[BFS_UCX_REPLY] = bfs_ucx_on_reply,
		[BFS_UCX_RESET] = on_reset,
	};
	pid_t newest = bfs_ucx_newest_thread(), now;
	int r = bfs_ucx_open(&u->ucx);

	if (r)
		return r;
	if (bfs_ucx_forked())
		bfs_ucx_async_find();
	now = bfs_ucx_newest_thread();
	u->ucx_tid = now > newest ? now : 0;
	u->wake_fd =
		(int)bfs_sys_2(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = u->wake_fd < 0 ? u->wake_fd
			   : bfs_ucx_handle(&u->ucx, handlers, u,
					    UCP_AM_FLAG_WHOLE_MSG);
	if (!r)
		r = bfs_ucx_address(&u->ucx, &u->address, &u->address_len);
	if (r)
		bfs_ucx_close(&u->ucx);
	else if (bfs_ucx_idle_start(u))
		bfs_log(debug, "ucx: no timer for connections not used");
	return r;
}

static int set_up(void *arg)
{
	struct setting_up *s = arg;
	struct bfs_ucx_client *u = s->u;
	uint64_t signals;
	int r = 0;

	if (s->begin)
		s->begin();
	if (s->fresh)
		r = open_client(u);
	if (r)
		return r;
	bfs_ucx_lock(u, &signals);
	r = u->broken ? -ECONNRESET
		      : bfs_ucx_endpoint(&u->ucx, s->address, s->len, on_error,
					 s->w, &s->w->ep);
	if (!r) {
		s->w->next = u->ways;
		u->ways = s->w;
	}
	bfs_ucx_unlock(u, &signals);
	if (r && s->fresh) {
		bfs_ucx_idle_stop(u);
		bfs_ucx_close(&u->ucx);
	}
	return r;
}

static void *map(size_t size)
{
	long p = bfs_sys_mmap(NULL, size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p < 0 && p > -4096 ? NULL : (void *)p;
}

static struct bfs_ucx_client *client_new(void)
{
	struct bfs_ucx_client *u = map(sizeof(*u));

	if (!u)
		return NULL;
	u->wake_fd = u->idle_fd = -1;
	bfs_patience_init(&u->patience, SPIN_US);
	for (int i = 0; i < BFS_UCX_SLOTS; i++)
		u->slot[i].client = u;
	return u;
}

static struct bfs_ucx_way *way_new(struct bfs_ucx_client *u)
{
	struct bfs_ucx_way *w = map(sizeof(*w));

	if (!w)
		return NULL;
	w->base.ops = &bfs_ucx_ops;
	w->base.bulk_max = BFS_BULK_MAX;
	w->client = u;
	return w;
}

static void client_free(struct bfs_ucx_client *u)
{
	if (current == u)
		current = NULL;
	free(u->address);
	if (u->wake_fd >= 0)
		bfs_sys_close(u->wake_fd);
	if (u->idle_fd >= 0)
		bfs_sys_close(u->idle_fd);
	bfs_sys_munmap(u, sizeof(*u));
}

static int start(struct setting_up *s)
{
	struct bfs_ucx_way *w = s->w;
	uint64_t signals;
	int r;

	/* UCX's own thread inherits the mask: our signals stay away from it. */
	bfs_sys_block_signals(&signals);
	bfs_ucx_fds_enter(&w->fds);
	w->opening = true;
	r = s->fresh ? bfs_ucx_guard(set_up, s) : set_up(s);
	if (r)
		bfs_ucx_settle_fds(w);
	bfs_sys_restore_signals(&signals);
	if (r == -EDEADLK)
		bfs_log(error, "ucx: the parent was busy in it at the fork: "
			       "it cannot be used in this process");
	return r;
}

/* Nothing of it is in use: where opening UCX is stuck (-EDEADLK), it is. */
static void drop(struct setting_up *s)
{
	if (s->w)
		bfs_sys_munmap(s->w, sizeof(*s->w));
	if (s->u && s->fresh)
		client_free(s->u);
	free(s);
}

static struct setting_up *prepare(const void *address, size_t len,
				  void (*begin)(void))
{
	struct setting_up *s = calloc(1, sizeof(*s) + len);

	if (!s)
		return NULL;
	s->fresh = !current || current->broken;
	s->u = s->fresh ? client_new() : current;
	s->w = s->u ? way_new(s->u) : NULL;
	s->len = len;
	s->begin = begin;
	memcpy(s->address, address, len);
	if (s->w)
		return s;
	drop(s);
	return NULL;
}

int bfs_ucx_connect(const void *address, size_t len, struct bfs_transport **t,
		    const void **local, size_t *local_len, void (*begin)(void))
{
	struct setting_up *s = prepare(address, len, begin);
	struct bfs_ucx_client *u;
	int r;

	if (!s)
		return -ENOMEM;
	r = start(s);
	if (r == -EDEADLK)
		return r;
	if (r) {
		drop(s);
		return r;
	}
	u = s->u;
	if (s->fresh)
		bfs_ucx_fork_add(u);
	current = u;
	*t = &s->w->base;
	*local = u->address;
	*local_len = u->address_len;
	free(s);
	return 0;
}

static void unlist(struct bfs_ucx_way *w)
{
	struct bfs_ucx_way **p = &w->client->ways;

	while (*p && *p != w)
		p = &(*p)->next;
	if (*p)
		*p = w->next;
}

bool bfs_ucx_way_shares_fds(const struct bfs_ucx_way *w)
{
	return w->client->ways != w || w->next;
}

/* What UCX has opened and not closed is another way's to guard. */
static void hand_over(struct bfs_ucx_way *from, struct bfs_ucx_way *to)
{
	bfs_ucx_fds_hand_over(&from->fds, &to->fds);
	to->base.fds = to->fds.fd;
	to->base.nfds = to->fds.n;
}

/* UCX does not let go of what is its: the way stays, and the client with it. */
static void leave(struct bfs_ucx_way *w)
{
	w->next = left;
	left = w;
	if (current == w->client)
		current = NULL;
}

/* The last way of a client is gone. */
static void client_end(struct bfs_ucx_client *u)
{
	uint64_t signals;

	bfs_ucx_fork_del(u);
	bfs_ucx_idle_stop(u);
	bfs_ucx_lock(u, &signals);
	bfs_ucx_close(&u->ucx);
	bfs_ucx_unlock(u, &signals);
	client_free(u);
}

void bfs_ucx_way_free(struct bfs_ucx_way *w)
{
	struct bfs_ucx_client *u = w->client;
	uint64_t signals;
	bool last, broken;

	bfs_ucx_lock(u, &signals);
	bfs_ucx_bury(w);
	bfs_ucx_settle_fds(w);
	unlist(w);
	broken = u->broken;
	last = !u->ways;
	if (!last)
		hand_over(w, u->ways);
	bfs_ucx_unlock(u, &signals);
	if (broken) {
		bfs_ucx_idle_stop(u);
		leave(w);
		return;
	}
	bfs_sys_munmap(w, sizeof(*w));
	if (last)
		client_end(u);
}

void bfs_ucx_way_forget(struct bfs_ucx_way *w)
{
	struct bfs_ucx_client *u = w->client;

	bfs_ucx_fds_forget(&w->fds);
	u->idle_fd = -1; /* its number stays taken */
	unlist(w);
	bfs_sys_munmap(w, sizeof(*w));
	if (!u->ways)
		client_free(u);
}

void bfs_ucx_client_forget(void)
{
	current = NULL;
	for (; left; left = left->next)
		bfs_ucx_fds_forget(&left->fds);
}
