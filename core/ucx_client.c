/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The client's side of the ucx transport: a module of its own, because it
 * needs libucp, which only programs that talk to other nodes should load.
 */
#include "core/ucx_client.h"

#include "core/log.h"
#include "core/sys.h"
#include "core/util.h"

#include <errno.h>
#include <string.h>

#define NAP_NS \
	50000000u /* how long to wait before looking for a slot again \
		   */

static struct bfs_ucx_way *way_of(const struct bfs_transport *t)
{
	return bfs_container_of(t, struct bfs_ucx_way, base);
}

static struct bfs_ucx_slot *claim(struct bfs_ucx_client *u)
{
	for (int i = 0; i < BFS_UCX_SLOTS; i++) {
		uint32_t is = BFS_UCX_FREE;

		if (!atomic_load_explicit(&u->slot[i].claimed,
					  memory_order_relaxed) &&
		    atomic_compare_exchange_strong(&u->slot[i].claimed, &is,
						   BFS_UCX_TAKEN))
			return &u->slot[i];
	}
	return NULL;
}

void bfs_ucx_release(struct bfs_ucx_slot *s)
{
	struct bfs_ucx_client *u = s->client;

	atomic_store(&s->claimed, BFS_UCX_FREE);
	atomic_fetch_add(&u->freed, 1);
	if (atomic_load(&u->claimers))
		bfs_sys_futex_wake(&u->freed, 1);
}

static int ucx_begin(struct bfs_transport *t, struct bfs_io *io)
{
	struct bfs_ucx_way *w = way_of(t);
	struct bfs_ucx_client *u = w->client;
	struct bfs_ucx_slot *s;

	for (;;) {
		uint32_t freed = atomic_load(&u->freed);
		uint64_t now;

		s = claim(u);
		if (s)
			break;
		now = bfs_now();
		if (now >= io->deadline)
			return -ETIMEDOUT;
		atomic_fetch_add(&u->claimers, 1);
		bfs_sys_futex_wait(&u->freed, freed,
				   BFS_MIN(io->deadline - now, NAP_NS));
		atomic_fetch_sub(&u->claimers, 1);
	}
	s->way = w;
	io->priv = s;
	io->req = s->req + BFS_UCX_HEAD_LEN;
	io->req_cap = BFS_FIELDS_MAX;
	return 0;
}

static int post(struct bfs_ucx_slot *s, struct bfs_io *io, bool first)
{
	struct bfs_ucx_client *u = s->client;
	struct bfs_ucx_msg m = {
		.id = BFS_UCX_REQUEST,
		.head = { .fields_len = (uint32_t)io->req_len,
			  .bulk_len = (uint32_t)io->out_len,
			  .in_cap = (uint32_t)io->in_cap,
			  .slot = (uint32_t)(s - u->slot) },
		.fields = s->req,
		.bulk = io->out,
		.done = bfs_ucx_on_sent,
		.arg = s,
		.want_reply_ep = !first, /* for a reset */
		.at_once = first,
	};
	int r;

	if (s->way->dead || s->way->failed)
		return -ECONNRESET;
	s->way->used = bfs_now();
	s->io = io;
	s->id = io->id;
	s->result = BFS_UCX_PENDING;
	s->sending = true; /* a callback may come before send returns */
	r = bfs_ucx_send(&u->ucx, s->way->ep, &m);
	if (r <= 0)
		s->sending = false;
	if (r >= 0)
		bfs_ucx_nudge(u);
	return r < 0 ? bfs_ucx_lost(s->way, r) : 0;
}

/*
 * The caller goes away.  What UCX may still write to or read from is his: if
 * it does not let go, the connection has to.
 */
static int give_up(struct bfs_ucx_slot *s, struct bfs_io *io, int r)
{
	if (s->receiving || (s->sending && io->out_len))
		bfs_ucx_bury(s->way);
	s->io = NULL;
	if (s->sending) {
		atomic_store(&s->claimed, BFS_UCX_LEFT);
		io->priv = NULL;
	}
	return r;
}

static int await(struct bfs_ucx_slot *s, struct bfs_io *io,
		 const uint64_t *signals)
{
	int r = bfs_ucx_wait(s, io, signals);

	if (s->io && bfs_ucx_over(s))
		return s->result;
	return s->way->dead ? -ECONNRESET : r;
}

/* first: HELLO, sent when there is a connection (ucx_common.h). */
static int exchange(struct bfs_ucx_slot *s, struct bfs_io *io, bool first,
		    const uint64_t *signals)
{
	int r;

	while ((r = post(s, io, first)) == -EAGAIN) {
		if (bfs_now() >= io->deadline)
			return -ETIMEDOUT;
		bfs_ucx_nap(s->client, signals);
	}
	return r ? r : await(s, io, signals);
}

static bool is_welcome(const struct bfs_ucx_slot *s)
{
	struct bfs_wire w;

	bfs_wire_init(&w, s->rep, s->rep_len);
	return !bfs_get_rep_head(&w).status;
}

static int meet(struct bfs_ucx_slot *s, struct bfs_io *io,
		const uint64_t *signals)
{
	struct bfs_ucx_client *u = s->client;
	int r = u->ucx.tcp_only ? exchange(s, io, true, signals) : 0;

	if (r || (u->ucx.tcp_only && !is_welcome(s)))
		return r;
	r = exchange(s, io, false, signals);
	s->way->met = !r;
	return r;
}

/* UCX has what it needs, also a connection that the daemon made to us. */
void bfs_ucx_settle_fds(struct bfs_ucx_way *w)
{
	if (!w->opening)
		return;
	w->opening = false;
	bfs_ucx_fds_leave(&w->fds);
	w->base.fds = w->fds.fd;
	w->base.nfds = w->fds.n;
}

static int answered(const struct bfs_ucx_slot *s, struct bfs_io *io)
{
	io->rep = s->rep;
	io->rep_len = s->rep_len;
	io->in_len = s->in_len;
	return 0;
}

static int ucx_call(struct bfs_transport *t, struct bfs_io *io)
{
	struct bfs_ucx_way *w = way_of(t);
	struct bfs_ucx_client *u = w->client;
	struct bfs_ucx_slot *s = io->priv;
	uint64_t signals;
	int r;

	io->fd = -1;
	if (io->out_len > BFS_BULK_MAX || io->in_cap > BFS_BULK_MAX)
		return -EMSGSIZE;
	bfs_ucx_lock(u, &signals);
	r = w->met ? exchange(s, io, false, &signals) : meet(s, io, &signals);
	bfs_ucx_settle_fds(w);
	r = give_up(s, io, r);
	bfs_ucx_unlock(u, &signals);
	return r ? r : answered(s, io);
}

/* Without HELLO, which begins with ucx_call(). */
static int ucx_send(struct bfs_transport *t, struct bfs_io *io)
{
	struct bfs_ucx_way *w = way_of(t);
	struct bfs_ucx_slot *s = io->priv;
	uint64_t signals;
	int r;

	io->fd = -1;
	if (io->out_len > BFS_BULK_MAX || io->in_cap > BFS_BULK_MAX)
		return -EMSGSIZE;
	bfs_ucx_lock(w->client, &signals);
	r = w->met ? post(s, io, false) : -ENOTCONN;
	if (r)
		r = give_up(s, io, r);
	bfs_ucx_unlock(w->client, &signals);
	return r;
}

static int ucx_wait(struct bfs_transport *t, struct bfs_io *io)
{
	struct bfs_ucx_way *w = way_of(t);
	struct bfs_ucx_slot *s = io->priv;
	uint64_t signals;
	int r;

	bfs_ucx_lock(w->client, &signals);
	r = give_up(s, io, await(s, io, &signals));
	bfs_ucx_unlock(w->client, &signals);
	return r ? r : answered(s, io);
}

static void ucx_end(struct bfs_transport *t, struct bfs_io *io)
{
	struct bfs_ucx_slot *s = io->priv;

	if (!s)
		return; /* UCX is still sending from it: bfs_ucx_on_sent frees
			   it */
	io->priv = NULL;
	bfs_ucx_release(s);
}

static bool ucx_shares_fds(const struct bfs_transport *t)
{
	return bfs_ucx_way_shares_fds(way_of(t));
}

static void ucx_destroy(struct bfs_transport *t)
{
	bfs_ucx_way_free(way_of(t));
}

/* UCX's objects are shared with the parent in part: leave them alone. */
static void ucx_forget(struct bfs_transport *t)
{
	bfs_ucx_way_forget(way_of(t));
}

const struct bfs_transport_ops bfs_ucx_ops = {
	.name = "ucx",
	.begin = ucx_begin,
	.call = ucx_call,
	.send = ucx_send,
	.wait = ucx_wait,
	.end = ucx_end,
	.shares_fds = ucx_shares_fds,
	.idle_after = bfs_ucx_idle_after,
	.destroy = ucx_destroy,
	.forget = ucx_forget,
};
