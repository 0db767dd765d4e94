/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests of the ucx port.  Their way: arrived -> (starved: needs a buffer ->
 * busy: fetched by rendezvous) -> ready -> served -> busy: reply sent.
 */
#include "core/log.h"
#include "core/stats.h"
#include "core/util.h"
#include "server/server.h"
#include "server/session.h"
#include "server/ucx_impl.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <utlist.h>

#define SWEEP_NS 1000000000u

struct bfs_ucx_call *bfs_ucx_call_of(struct bfs_call *call)
{
	return bfs_container_of(call, struct bfs_ucx_call, call);
}

struct bfs_port_ucx *bfs_ucx_call_port(const struct bfs_ucx_call *c)
{
	return bfs_container_of(c->call.port, struct bfs_port_ucx, base);
}

void *bfs_ucx_buffer_get(struct bfs_port_ucx *p)
{
	void *b = p->buffers;

	if (b) {
		p->buffers = *(void **)b;
		return b;
	}
	if (p->nbuffers == BFS_UCX_BUFFERS)
		return NULL;
	b = mmap(NULL, BFS_BULK_MAX, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b == MAP_FAILED)
		return NULL;
	p->nbuffers++;
	return b;
}

static void buffer_put(struct bfs_port_ucx *p, void *b)
{
	*(void **)b = p->buffers;
	p->buffers = b;
}

struct bfs_ucx_call *bfs_ucx_call_get(struct bfs_port_ucx *p)
{
	struct bfs_ucx_call *c = p->pool;

	if (c) {
		p->pool = c->next;
	} else {
		if (p->ncalls == BFS_UCX_CALLS)
			return NULL;
		c = malloc(sizeof(*c));
		if (!c)
			return NULL;
		p->ncalls++;
	}
	memset(&c->call, 0, offsetof(struct bfs_call, req));
	c->call.server = p->server;
	c->call.port = &p->base;
	c->call.rep = c->rep + BFS_UCX_HEAD_LEN;
	c->call.in = NULL;
	c->call.out = NULL;
	c->call.pass_fd = -1;
	c->peer = NULL;
	c->door = p->door;
	c->door->users++;
	c->held = c->rndv = c->buffer = NULL;
	c->fields_in_bulk = false;
	return c;
}

void bfs_ucx_call_put(struct bfs_ucx_call *c)
{
	struct bfs_port_ucx *p = bfs_ucx_call_port(c);

	if (c->held)
		ucp_am_data_release(c->door->ucx.worker, c->held);
	if (c->rndv)
		ucp_am_data_release(c->door->ucx.worker, c->rndv);
	if (c->buffer) {
		buffer_put(p, c->buffer);
		if (c->peer)
			c->peer->buffers--;
	}
	if (c->peer)
		bfs_ucx_peer_put(c->peer);
	bfs_ucx_door_put(c->door);
	c->next = p->pool;
	p->pool = c;
}

/* The peer's side is slow: see to it that this ends. */
void bfs_ucx_call_keep(struct bfs_ucx_call *c, struct bfs_ucx_call **queue)
{
	struct bfs_port_ucx *p = bfs_ucx_call_port(c);
	uint64_t now = bfs_now();

	c->expires = now + SWEEP_NS + c->call.head.deadline_ms * 1000000ull;
	DL_APPEND(*queue, c);
	if (!p->sweep.at)
		bfs_loop_timer(p->server->loop, &p->sweep, now + SWEEP_NS);
}

void bfs_ucx_call_busy(struct bfs_ucx_call *c)
{
	bfs_ucx_call_keep(c, &bfs_ucx_call_port(c)->busy);
}

static void sweep(struct bfs_ucx_call *queue, uint64_t now)
{
	struct bfs_ucx_call *c, *next;

	DL_FOREACH_SAFE(queue, c, next)
	{
		/* A daemon's connection is not closed while it is alive
		 * (peer_ucx.h): it has its share of buffers, no more. */
		if (c->expires > now || !c->peer || !c->peer->ep ||
		    c->peer->failed || c->peer->daemon)
			continue;
		bfs_log(warn, "ucx: session %016llx takes no data: dropped",
			(unsigned long long)c->peer->session);
		bfs_ucx_peer_fail(c->peer);
	}
}

/* A client that is stopped must not keep buffers from the others. */
void bfs_ucx_sweep(struct bfs_timer *t)
{
	struct bfs_port_ucx *p = t->arg;
	uint64_t now = bfs_now();

	sweep(p->busy, now);
	sweep(p->greeting, now);
	if (p->busy || p->greeting)
		bfs_loop_timer(p->server->loop, t, now + SWEEP_NS);
}

static void orphans(struct bfs_ucx_call **queue,
		    const struct bfs_ucx_peer *peer)
{
	struct bfs_ucx_call *c, *next;

	DL_FOREACH_SAFE(*queue, c, next)
	{
		if (c->peer != peer)
			continue;
		DL_DELETE(*queue, c);
		bfs_ucx_call_put(c);
	}
}

void bfs_ucx_call_orphan(struct bfs_port_ucx *p, struct bfs_ucx_peer *peer)
{
	orphans(&p->greeting, peer);
	orphans(&p->starved, peer);
	orphans(&p->ready, peer);
}

void bfs_ucx_drop(struct bfs_call *call)
{
	if (call->pass_fd >= 0)
		close(call->pass_fd);
	call->pass_fd = -1;
	bfs_ucx_call_put(bfs_ucx_call_of(call));
}

void bfs_ucx_call_free_pools(struct bfs_port_ucx *p)
{
	while (p->pool) {
		struct bfs_ucx_call *c = p->pool;

		p->pool = c->next;
		free(c);
	}
	while (p->buffers) {
		void *b = p->buffers;

		p->buffers = *(void **)b;
		munmap(b, BFS_BULK_MAX);
	}
}
