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

static struct bfs_ucx_client *client_of(const struct bfs_transport *t)
{
	return bfs_container_of(t, struct bfs_ucx_client, base);
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
	struct bfs_ucx_client *u = client_of(t);
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

	if (u->dead)
		return -ECONNRESET;
	s->io = io;
	s->id = io->id;
	s->result = BFS_UCX_PENDING;
	s->sending = true; /* a callback may come before send returns */
	r = bfs_ucx_send(&u->ucx, u->ep, &m);
	if (r <= 0)
		s->sending = false;
	if (r >= 0)
		bfs_ucx_nudge(u);
	return r < 0 ? r : 0;
}

/*
 * The caller goes away.  What UCX may still write to or read from is his: if
 * it does not let go, the connection has to.
 */
static int give_up(struct bfs_ucx_slot *s, struct bfs_io *io, int r)
{
	if (s->receiving || (s->sending && io->out_len))
		bfs_ucx_bury(s->client);
	s->io = NULL;
	if (s->sending) {
		atomic_store(&s->claimed, BFS_UCX_LEFT);
		io->priv = NULL;
	}
	return r;
}

/* first: HELLO, sent when there is a connection (ucx_common.h). */
static int exchange(struct bfs_ucx_slot *s, struct bfs_io *io, bool first,
		    const uint64_t *signals)
{
	struct bfs_ucx_client *u = s->client;
	int r;

	while ((r = post(s, io, first)) == -EAGAIN) {
		if (bfs_now() >= io->deadline)
			return -ETIMEDOUT;
		bfs_ucx_nap(u, signals);
	}
	if (!r)
		r = bfs_ucx_wait(s, io, signals);
	if (s->io && bfs_ucx_over(s))
		return s->result;
	return u->dead ? -ECONNRESET : r;
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
	u->met = !r;
	return r;
}

/* UCX has what it needs, also a connection that the daemon made to us. */
void bfs_ucx_settle_fds(struct bfs_ucx_client *u)
{
	if (!u->opening)
		return;
	u->opening = false;
	bfs_ucx_fds_leave(&u->fds);
	u->base.fds = u->fds.fd;
	u->base.nfds = u->fds.n;
}

static int ucx_call(struct bfs_transport *t, struct bfs_io *io)
{
	struct bfs_ucx_client *u = client_of(t);
	struct bfs_ucx_slot *s = io->priv;
	uint64_t signals;
	int r;

	io->fd = -1;
	if (io->out_len > BFS_BULK_MAX || io->in_cap > BFS_BULK_MAX)
		return -EMSGSIZE;
	bfs_ucx_lock(u, &signals);
	r = u->met ? exchange(s, io, false, &signals) : meet(s, io, &signals);
	bfs_ucx_settle_fds(u);
	r = give_up(s, io, r);
	bfs_ucx_unlock(u, &signals);
	if (r)
		return r;
	io->rep = s->rep;
	io->rep_len = s->rep_len;
	io->in_len = s->in_len;
	return 0;
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

void bfs_ucx_unmap(struct bfs_ucx_client *u)
{
	free(u->address);
	if (u->wake_fd >= 0)
		bfs_sys_close(u->wake_fd);
	bfs_sys_munmap(u, sizeof(*u));
}

static void ucx_destroy(struct bfs_transport *t)
{
	struct bfs_ucx_client *u = client_of(t);
	uint64_t signals;

	bfs_ucx_fork_del(u);
	bfs_ucx_lock(u, &signals);
	bfs_ucx_bury(u);
	bfs_ucx_close(&u->ucx);
	bfs_ucx_settle_fds(u);
	bfs_ucx_unlock(u, &signals);
	bfs_ucx_unmap(u);
}

/* UCX's objects are shared with the parent in part: leave them alone. */
static void ucx_forget(struct bfs_transport *t)
{
	struct bfs_ucx_client *u = client_of(t);

	bfs_ucx_fds_forget(&u->fds);
	bfs_ucx_unmap(u);
}

const struct bfs_transport_ops bfs_ucx_ops = {
	.name = "ucx",
	.begin = ucx_begin,
	.call = ucx_call,
	.end = ucx_end,
	.destroy = ucx_destroy,
	.forget = ucx_forget,
};
