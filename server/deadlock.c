/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/deadlock.h"

#include "core/log.h"
#include "core/util.h"
#include "server/fiber.h"
#include "server/lock.h"
#include "server/peer.h"
#include "server/route.h"
#include "server/session.h"
#include "server/shards.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <utlist.h>

#define AT_ONCE 4      /* searches of one daemon */
#define OWNERS_MAX 256 /* visited by one search */
#define EDGES_MAX 512  /* told of one process by one shard */
#define EDGE_BYTES 40
/* A circle may also be closed by what is granted to somebody who waits with
 * another thread; and each wait makes the next look at it come later. */
#define AGAIN_NS 500000000u
#define AGAIN_EACH_NS 1000000u

struct link {
	unsigned shard; /* where it waits */
	struct bfs_lock_edge edge;
};

/* A process that the search has come to. */
struct visit {
	struct bfs_lock_owner owner;
	unsigned from;	 /* who waits for it... */
	struct link via; /* ...and how */
};

struct search {
	struct bfs_server *server;
	struct visit visits[OWNERS_MAX]; /* the first one is the start */
	unsigned n;
	struct link closing; /* back to the start */
	struct bfs_lock_edge edges[EDGES_MAX];
	uint8_t in[EDGES_MAX * EDGE_BYTES];
};

/* Bytes of bulk, or -errno. */
static int ask(struct search *f, unsigned shard, uint32_t op,
	       const struct bfs_wire *fields, const uint8_t *req)
{
	struct bfs_server *s = f->server;
	uint64_t limit = s->config.network.timeout_secs * 1000000000ull / 3;
	uint8_t rep[16];
	struct bfs_peer_msg m = { .op = op,
				  .req = req,
				  .req_len = (size_t)(fields->pos - req),
				  .in = f->in,
				  .in_cap = sizeof(f->in),
				  .rep = rep,
				  .rep_cap = sizeof(rep),
				  .deadline = bfs_now() + limit,
				  .unless_dead = true };
	int r;

	if (shard >= s->nshards)
		return -EINVAL;
	r = bfs_peer_call(s, shard, &m);
	if (!s->locks)
		return -ECANCELED;
	return r ? r : (int)m.in_len;
}

/* The shards on which the process waits. */
static int ask_shards(struct search *f, const struct bfs_lock_owner *o,
		      struct bfs_shards *shards)
{
	uint8_t req[8];
	struct bfs_wire w;
	int n;

	bfs_wire_init(&w, req, sizeof(req));
	bfs_put_u32(&w, (uint32_t)o->id);
	n = ask(f, (unsigned)o->node, BFS_OP_LOCKWAITS, &w, req);
	if (n < 0)
		return n;
	bfs_wire_init(&w, f->in, (size_t)n);
	for (; n >= 4; n -= 4) {
		unsigned shard = bfs_get_u32(&w);

		if (shard < f->server->nshards && bfs_shards_add(shards, shard))
			return -ENOMEM;
	}
	return 0;
}

/* How many edges, in f->edges; or -errno. */
static int ask_edges(struct search *f, unsigned shard,
		     const struct bfs_lock_owner *o)
{
	uint8_t req[16];
	struct bfs_wire w;
	int r;

	bfs_wire_init(&w, req, sizeof(req));
	bfs_put_u32(&w, (uint32_t)o->node);
	bfs_put_u64(&w, o->id);
	r = ask(f, shard, BFS_OP_LOCKEDGES, &w, req);
	if (r < 0)
		return r;
	bfs_wire_init(&w, f->in, (size_t)r);
	r /= EDGE_BYTES;
	for (int n = 0; n < r; n++) {
		struct bfs_lock_edge *e = &f->edges[n];

		e->wait = bfs_get_u64(&w);
		e->since = bfs_get_u64(&w);
		e->lock = bfs_get_u64(&w);
		e->blocker = (struct bfs_lock_owner){ .space = BFS_LOCK_POSIX };
		e->blocker.id = bfs_get_u64(&w);
		e->blocker.node = bfs_get_u64(&w);
	}
	return r;
}

static bool visited(const struct search *f, const struct bfs_lock_owner *o)
{
	for (unsigned n = 0; n < f->n; n++)
		if (bfs_lock_same_owner(&f->visits[n].owner, o))
			return true;
	return false;
}

/* 1: one of them leads back to the start. */
static int follow_edges(struct search *f, unsigned from, unsigned shard)
{
	int n = ask_edges(f, shard, &f->visits[from].owner);

	for (int i = 0; i < n; i++) {
		struct link l = { shard, f->edges[i] };
		const struct bfs_lock_owner *to = &l.edge.blocker;

		if (bfs_lock_same_owner(to, &f->visits[0].owner)) {
			f->closing = l;
			return 1;
		}
		if (f->n < OWNERS_MAX && !visited(f, to))
			f->visits[f->n++] = (struct visit){ *to, from, l };
	}
	return n == -ECANCELED ? n : 0;
}

static int follow(struct search *f, unsigned from)
{
	struct bfs_shards shards = { 0 };
	int r = ask_shards(f, &f->visits[from].owner, &shards);
	unsigned n = bfs_shards_next(&shards, 0);

	/* Where we cannot ask, we see no circle. */
	if (r != -ECANCELED)
		r = 0;
	for (; !r && n != UINT_MAX; n = bfs_shards_next(&shards, n + 1))
		r = follow_edges(f, from, n);
	bfs_shards_clear(&shards);
	return r;
}

/* Does it wait still, for the same lock?  1, 0, or -errno. */
static int stands(struct search *f, const struct bfs_lock_owner *waiter,
		  const struct link *l)
{
	int n = ask_edges(f, l->shard, waiter);

	for (int i = 0; i < n; i++)
		if (f->edges[i].wait == l->edge.wait &&
		    f->edges[i].since == l->edge.since &&
		    f->edges[i].lock == l->edge.lock)
			return 1;
	return n < 0 ? n : 0;
}

static bool younger(const struct link *a, const struct link *b)
{
	if (a->edge.since != b->edge.since)
		return a->edge.since > b->edge.since;
	if (a->shard != b->shard)
		return a->shard > b->shard;
	return a->edge.wait > b->edge.wait;
}

static int end_wait(struct search *f, const struct bfs_lock_owner *waiter,
		    const struct link *l)
{
	uint8_t req[32];
	struct bfs_wire w;

	bfs_log(debug, "deadlock: process %lu of shard %lu is told", waiter->id,
		waiter->node);
	bfs_wire_init(&w, req, sizeof(req));
	bfs_put_u32(&w, (uint32_t)waiter->node);
	bfs_put_u64(&w, waiter->id);
	bfs_put_u64(&w, l->edge.wait);
	return ask(f, l->shard, BFS_OP_LOCKEND, &w, req);
}

/*
 * Its links have been seen one after the other.  Those that are there once
 * more have been there all the time, since waits and locks have numbers: so
 * between the two looks there was a circle, which lasts until somebody gives
 * up.  Whoever finds it chooses the same one.
 */
static int act(struct search *f, unsigned last)
{
	const struct bfs_lock_owner *victim = &f->visits[last].owner;
	struct link youngest = f->closing;
	int r = stands(f, victim, &f->closing);

	for (unsigned n = last; r == 1 && n; n = f->visits[n].from) {
		const struct visit *v = &f->visits[n];
		const struct bfs_lock_owner *waiter = &f->visits[v->from].owner;

		r = stands(f, waiter, &v->via);
		if (younger(&v->via, &youngest)) {
			youngest = v->via;
			victim = waiter;
		}
	}
	return r == 1 ? end_wait(f, victim, &youngest) : r;
}

static int search(struct search *f, const struct bfs_lock_owner *start)
{
	int r = 0;
	unsigned n;

	f->visits[0] = (struct visit){ .owner = *start };
	f->n = 1;
	for (n = 0; !r && n < f->n; n++)
		r = follow(f, n);
	return r == 1 ? act(f, n - 1) : r;
}

static void look(void *arg)
{
	struct bfs_server *s = arg;
	struct search *f = malloc(sizeof(*f));
	struct bfs_lock_owner start;
	int r = f ? 0 : -ECANCELED;

	if (f)
		f->server = s;
	while (r != -ECANCELED &&
	       bfs_lock_next_wait(
		       s->locks, bfs_now(),
		       AGAIN_NS + AGAIN_EACH_NS *
					  (uint64_t)bfs_lock_waiting(s->locks),
		       &start))
		r = search(f, &start);
	free(f);
	s->deadlock_searches--;
}

void bfs_deadlock_look(struct bfs_server *s)
{
	if (!s->peers || s->nshards <= 1 || s->deadlock_searches >= AT_ONCE ||
	    !bfs_lock_wait_due(s->locks, bfs_now()))
		return;
	s->deadlock_searches++;
	if (bfs_fiber_run(look, s))
		s->deadlock_searches--;
}

int bfs_serve_lockwaits(struct bfs_call *c, const struct bfs_lockwaits_req *req,
			struct bfs_lockwaits_rep *rep)
{
	const struct bfs_server *s = c->server;
	const struct bfs_session *sess;
	const struct bfs_call *p;
	struct bfs_wire w;

	bfs_wire_init(&w, c->in, c->in_cap);
	for (sess = s->sessions; sess; sess = sess->hh.next) {
		if (sess->far || sess->is_peer || sess->pid != (pid_t)req->pid)
			continue;
		DL_FOREACH(sess->parked, p)
		{
			unsigned shard = s->shard;

			if (p->head.op != BFS_OP_LOCK)
				continue;
			bfs_route_waits(p, &shard);
			bfs_put_u32(&w, shard);
		}
	}
	if (bfs_wire_end(&w))
		return -ERANGE;
	c->in_len = (size_t)(w.pos - (uint8_t *)c->in);
	rep->count = (uint32_t)c->in_len / 4;
	return 0;
}

static struct bfs_lock_owner owner_of(uint32_t node, uint64_t pid)
{
	return (struct bfs_lock_owner){ .space = BFS_LOCK_POSIX,
					.id = pid,
					.node = node };
}

int bfs_serve_lockedges(struct bfs_call *c, const struct bfs_lockedges_req *req,
			struct bfs_lockedges_rep *rep)
{
	const struct bfs_lock_owner o = owner_of(req->node, req->pid);
	struct bfs_lock_edge *edges = malloc(EDGES_MAX * sizeof(*edges));
	struct bfs_wire w;

	if (!edges)
		return -ENOMEM;
	rep->count = bfs_lock_edges(c->server->locks, &o, edges, EDGES_MAX);
	bfs_wire_init(&w, c->in, c->in_cap);
	for (uint32_t n = 0; n < rep->count; n++) {
		bfs_put_u64(&w, edges[n].wait);
		bfs_put_u64(&w, edges[n].since);
		bfs_put_u64(&w, edges[n].lock);
		bfs_put_u64(&w, edges[n].blocker.id);
		bfs_put_u64(&w, edges[n].blocker.node);
	}
	free(edges);
	if (bfs_wire_end(&w))
		return -ERANGE;
	c->in_len = rep->count * (size_t)EDGE_BYTES;
	return 0;
}

int bfs_serve_lockend(struct bfs_call *c, const struct bfs_lockend_req *req,
		      struct bfs_lockend_rep *rep)
{
	const struct bfs_lock_owner o = owner_of(req->node, req->pid);

	bfs_lock_victim(c->server->locks, &o, req->wait);
	return 0;
}
