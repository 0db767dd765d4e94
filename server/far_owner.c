/* SPDX-License-Identifier: BSD-3-Clause */
/* Owners of locks that are on other nodes: do they still exist? */
#include "core/log.h"
#include "core/util.h"
#include "server/far.h"
#include "server/fiber.h"
#include "server/peer.h"
#include "server/serve_lock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define AT_ONCE 64 /* questions under way that nobody waits for */

/* A call that waits for an answer, on a fiber. */
struct asker {
	struct bfs_fiber *fiber;
	struct question *question;
	struct bfs_timer given_up;
	int lives;
};

struct question {
	struct bfs_peer_msg msg;
	struct bfs_server *server;
	struct bfs_lock_owner owner;
	struct asker *asker; /* NULL: nobody waits for it */
	struct question *prev, *next;
	uint8_t req[4], rep[16], out[BFS_ALIVE_BYTES], in[1];
};

struct bfs_far_owners {
	struct question *unawaited;
	unsigned n;
	/* By shard: since when its daemon is known to have ended; 0. */
	uint64_t dead_since[];
};

static struct bfs_far_owners *get(struct bfs_server *s)
{
	if (!s->far_owners)
		s->far_owners =
			calloc(1, sizeof(*s->far_owners) +
					  s->nshards * sizeof(uint64_t));
	return s->far_owners;
}

void bfs_far_owners_free(struct bfs_server *s)
{
	struct question *q;

	if (s->far_owners)
		DL_FOREACH(s->far_owners->unawaited, q)
	q->server = NULL;
	free(s->far_owners);
	s->far_owners = NULL;
}

static uint64_t timeout_ns(const struct bfs_server *s)
{
	return s->config.network.timeout_secs * 1000000000ull;
}

/*
 * Its daemon has ended.  With a journal it may be back soon, and with it its
 * clients, who keep files and locks (D3): they get the time that a call has.
 */
bool bfs_far_may_return(struct bfs_server *s, unsigned node)
{
	struct bfs_far_owners *all = get(s);
	uint64_t now = bfs_now();

	if (!all)
		return true;
	if (!all->dead_since[node])
		all->dead_since[node] = now;
	return s->remembers && now - all->dead_since[node] < timeout_ns(s);
}

void bfs_far_answered(struct bfs_server *s, unsigned node)
{
	if (s->far_owners)
		s->far_owners->dead_since[node] = 0;
}

/* 0: it is certain that the owner has gone. */
static int verdict(const struct question *q)
{
	struct bfs_server *s = q->server;
	const struct bfs_peer_msg *m = &q->msg;

	if (m->status == -ECANCELED)
		return -EIO; /* we are stopping */
	if (m->status == -EHOSTDOWN)
		return bfs_far_may_return(s, (unsigned)q->owner.node);
	if (m->status || m->in_len != 1)
		return 1;
	bfs_far_answered(s, (unsigned)q->owner.node);
	return q->in[0] != 0;
}

static void on_answer(struct bfs_peer_msg *m)
{
	struct question *q = m->arg;
	struct asker *a = q->asker;
	int lives = 1;

	if (q->server && get(q->server))
		lives = verdict(q);
	if (!a && q->server) {
		DL_DELETE(q->server->far_owners->unawaited, q);
		q->server->far_owners->n--;
	}
	if (!lives)
		bfs_serve_lock_far_dead(q->server, &q->owner);
	free(q);
	if (!a)
		return;
	a->question = NULL;
	a->lives = lives;
	bfs_fiber_resume(a->fiber);
}

static void encode(struct question *q, uint64_t ino)
{
	const struct bfs_lock_owner *o = &q->owner;
	bool process = o->space == BFS_LOCK_POSIX;
	struct bfs_wire w;

	bfs_wire_init(&w, q->out, sizeof(q->out));
	bfs_put_u32(&w, process ? BFS_ALIVE_PROCESS : BFS_ALIVE_OPEN);
	bfs_put_u64(&w, ino);
	bfs_put_u32(&w, o->uid);
	bfs_put_u32(&w, (uint32_t)o->id);
	bfs_put_u32(&w, (uint32_t)(o->id >> 32));
	bfs_wire_init(&w, q->req, sizeof(q->req));
	bfs_put_u32(&w, 1);
}

static struct question *make(struct bfs_server *s, uint64_t ino,
			     const struct bfs_lock_owner *o)
{
	struct question *q = get(s) ? calloc(1, sizeof(*q)) : NULL;

	if (!q)
		return NULL;
	q->server = s;
	q->owner = *o;
	encode(q, ino);
	q->msg = (struct bfs_peer_msg){ .op = BFS_OP_ALIVE,
					.req = q->req,
					.req_len = sizeof(q->req),
					.out = q->out,
					.out_len = sizeof(q->out),
					.in = q->in,
					.in_cap = sizeof(q->in),
					.rep = q->rep,
					.rep_cap = sizeof(q->rep),
					.deadline =
						bfs_now() + timeout_ns(s) / 3,
					.unless_dead = true,
					.done = on_answer,
					.arg = q };
	return q;
}

static bool same(const struct question *q, const struct bfs_lock_owner *o)
{
	return !memcmp(&q->owner, o, sizeof(*o));
}

void bfs_far_ask_owner(struct bfs_server *s, uint64_t ino,
		       const struct bfs_lock_owner *o)
{
	struct bfs_far_owners *all = get(s);
	struct question *q;

	if (!s->peers || !all || all->n >= AT_ONCE || o->node >= s->nshards)
		return;
	DL_FOREACH(all->unawaited, q)
	if (same(q, o))
		return;
	q = make(s, ino, o);
	if (!q)
		return;
	DL_APPEND(all->unawaited, q);
	all->n++;
	bfs_peer_send(s, (unsigned)o->node, &q->msg);
}

static void on_given_up(struct bfs_timer *t)
{
	struct asker *a = t->arg;

	if (!a->question)
		return; /* the answer came first */
	a->question->asker = NULL;
	a->question->server = NULL; /* nor does it mean anything */
	a->question = NULL;
	a->lives = -EINTR;
	bfs_fiber_resume(a->fiber);
}

/* Not at once: the fiber ends the call, which the canceller still uses. */
static void give_up(struct bfs_call *c)
{
	struct asker *a = c->parked;

	bfs_loop_timer(c->server->loop, &a->given_up, bfs_now());
}

int bfs_far_owner_lives(struct bfs_call *c, uint64_t ino,
			const struct bfs_lock_owner *o)
{
	struct asker a = { .given_up = { .fn = on_given_up, .arg = &a } };
	struct bfs_server *s = c->server;

	if (o->node >= s->nshards)
		return 0;
	a.fiber = bfs_fiber_self();
	if (!a.fiber)
		return -BFS_NEED_FIBER;
	a.question = make(s, ino, o);
	if (!a.question)
		return -ENOMEM;
	a.question->asker = &a;
	c->parked = &a;
	c->cancel = give_up;
	bfs_peer_send(s, (unsigned)o->node, &a.question->msg);
	bfs_fiber_suspend();
	bfs_loop_timer(s->loop, &a.given_up, 0);
	c->parked = NULL;
	c->cancel = NULL;
	return a.lives;
}
