/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/far.h"

#include "core/log.h"
#include "core/util.h"
#include "server/arena.h"
#include "server/fiber.h"
#include "server/passing.h"
#include "server/peer.h"
#include "server/process.h"
#include "server/serve_lock.h"
#include "server/server.h"
#include "server/session.h"
#include "server/shared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define EACH BFS_ALIVE_BYTES
#define MOST 1024   /* asked for at once */
#define GRACE_S 10u /* for a question that nobody waits for */

/* A question to one node's daemon about the descriptions of one inode. */
struct asked {
	struct bfs_peer_msg msg;
	struct bfs_server *server;
	uint64_t ino;
	unsigned node, n;
	uint8_t req[4], rep[16];
	uint8_t out[MOST * EACH], in[MOST];
};

static void put_open(struct bfs_wire *w, uint64_t ino, const struct bfs_open *o)
{
	bfs_put_u32(w, BFS_ALIVE_OPEN);
	bfs_put_u64(w, ino);
	bfs_put_u32(w, o->uid);
	bfs_put_u32(w, o->slot);
	bfs_put_u32(w, o->gen);
}

static struct asked *make(struct bfs_server *s, const struct bfs_inode *i,
			  unsigned node, uint64_t deadline)
{
	struct asked *a = calloc(1, sizeof(*a));
	struct bfs_wire w;

	if (!a)
		return NULL;
	a->server = s;
	a->ino = i->ino;
	a->node = node;
	bfs_wire_init(&w, a->out, sizeof(a->out));
	for (unsigned n = 0; n < bfs_inode_nopens(i) && a->n < MOST; n++) {
		if (i->rare->opens[n].node != node)
			continue;
		put_open(&w, i->ino, &i->rare->opens[n]);
		a->n++;
	}
	bfs_wire_init(&w, a->req, sizeof(a->req));
	bfs_put_u32(&w, a->n);
	a->msg = (struct bfs_peer_msg){ .op = BFS_OP_ALIVE,
					.req = a->req,
					.req_len = sizeof(a->req),
					.out = a->out,
					.out_len = a->n * (size_t)EACH,
					.in = a->in,
					.in_cap = a->n,
					.rep = a->rep,
					.rep_cap = sizeof(a->rep),
					.deadline = deadline,
					.unless_dead = true,
					.arg = a };
	return a;
}

static bool is(const struct bfs_open *o, unsigned node, const uint8_t *told)
{
	struct bfs_wire w;

	bfs_wire_init(&w, told, EACH);
	bfs_get_u32(&w);
	bfs_get_u64(&w);
	return o->node == node && bfs_get_u32(&w) == o->uid &&
	       bfs_get_u32(&w) == o->slot && bfs_get_u32(&w) == o->gen;
}

static void forget(struct bfs_inode *i, unsigned node, const uint8_t *told)
{
	struct bfs_rare *r = i->rare;

	for (unsigned n = 0; n < bfs_inode_nopens(i); n++) {
		if (!is(&r->opens[n], node, told))
			continue;
		r->opens[n] = r->opens[--r->nopens];
		return;
	}
}

/* Who does not come back with its daemon is gone. */
static void take(const struct asked *a)
{
	struct bfs_inode *i = bfs_inode_here(a->server->fs, a->ino);
	bool dead = a->msg.status == -EHOSTDOWN;

	if (!a->msg.status)
		bfs_far_answered(a->server, a->node);
	if (!i || (!dead && (a->msg.status || a->msg.in_len != a->n)) ||
	    (dead && bfs_far_may_return(a->server, a->node)))
		return;
	for (unsigned n = 0; n < a->n; n++)
		if (dead || !a->in[n])
			forget(i, a->node, a->out + n * (size_t)EACH);
}

static void done(struct bfs_peer_msg *m)
{
	struct asked *a = m->arg;

	take(a);
	free(a);
}

/* The next node from there on that the inode's opens name; or nshards. */
static unsigned next_node(const struct bfs_server *s, const struct bfs_inode *i,
			  unsigned from)
{
	unsigned best = s->nshards;

	for (unsigned n = 0; n < bfs_inode_nopens(i); n++) {
		unsigned node = i->rare->opens[n].node;

		if (node >= from && node < best && node != s->shard)
			best = node;
	}
	return best;
}

void bfs_far_ask(struct bfs_server *s, struct bfs_inode *i)
{
	for (unsigned node = next_node(s, i, 0); node < s->nshards;
	     node = next_node(s, i, node + 1)) {
		struct asked *a =
			make(s, i, node, bfs_now() + GRACE_S * 1000000000ull);

		if (!a)
			return;
		a->msg.done = done;
		bfs_peer_send(s, node, &a->msg);
	}
}

int bfs_far_settle(struct bfs_call *c, struct bfs_inode *i)
{
	struct bfs_server *s = c->server;
	unsigned node = next_node(s, i, 0);
	uint64_t ino = i->ino;

	if (!bfs_fs_clustered(s->fs) || node >= s->nshards)
		return 0;
	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	while (i && node < s->nshards) {
		struct asked *a = make(s, i, node, c->deadline);

		if (!a)
			return -ENOMEM;
		bfs_peer_call(s, node, &a->msg);
		take(a);
		free(a);
		i = bfs_inode_here(s->fs, ino);
		node = i ? next_node(s, i, node + 1) : s->nshards;
	}
	return 1;
}

/* A description of this node: its placeholder, or its data file, is held. */
static bool alive(struct bfs_server *s, uint64_t ino, uint32_t uid,
		  uint32_t slot, uint32_t gen)
{
	if (slot >= BFS_ARENA_RECORDS ||
	    !bfs_arenas_signer(s->arenas, &uid, &slot, &gen))
		return false;
	return bfs_arenas_alive(s->arenas, uid, slot, gen) ||
	       bfs_passing_locked(s, ino, uid, slot);
}

int bfs_serve_alive(struct bfs_call *c, const struct bfs_alive_req *req,
		    struct bfs_alive_rep *rep)
{
	uint8_t *answers = c->in;
	struct bfs_wire w;

	if (req->count > MOST || c->out_len != req->count * (size_t)EACH ||
	    c->in_cap < req->count)
		return -EBADMSG;
	bfs_wire_init(&w, c->out, c->out_len);
	for (uint32_t n = 0; n < req->count; n++) {
		uint32_t kind = bfs_get_u32(&w);
		uint64_t ino = bfs_get_u64(&w);
		uint32_t uid = bfs_get_u32(&w), slot = bfs_get_u32(&w);
		uint32_t gen = bfs_get_u32(&w);

		answers[n] = kind == BFS_ALIVE_PROCESS
				     ? bfs_process_known(c->server, (pid_t)slot)
				     : alive(c->server, ino, uid, slot, gen);
	}
	c->in_len = req->count;
	return 0;
}

struct news {
	struct bfs_peer_msg msg;
	uint8_t req[4], rep[16];
};

static void told(struct bfs_peer_msg *m)
{
	free(m->arg);
}

static void tell(struct bfs_server *s, unsigned shard, pid_t pid)
{
	struct news *n = calloc(1, sizeof(*n));
	struct bfs_wire w;

	if (!n)
		return;
	bfs_wire_init(&w, n->req, sizeof(n->req));
	bfs_put_u32(&w, (uint32_t)pid);
	n->msg = (struct bfs_peer_msg){
		.op = BFS_OP_GONE,
		.req = n->req,
		.req_len = sizeof(n->req),
		.rep = n->rep,
		.rep_cap = sizeof(n->rep),
		.deadline = bfs_now() +
			    s->config.network.timeout_secs * 1000000000ull,
		.unless_dead = true,
		.done = told,
		.arg = n
	};
	bfs_peer_send(s, shard, &n->msg);
}

/* One that ended while we were down; we have forgotten who knows it. */
struct bfs_far_ended {
	pid_t pid;
	struct bfs_far_ended *next;
};

static void tell_later(struct bfs_server *s, pid_t pid)
{
	struct bfs_far_ended *e = malloc(sizeof(*e));

	if (!e)
		return; /* they will ask */
	e->pid = pid;
	LL_PREPEND(s->far_ended, e);
}

void bfs_far_joined(struct bfs_server *s)
{
	struct bfs_far_ended *e;

	while ((e = s->far_ended)) {
		LL_DELETE(s->far_ended, e);
		for (unsigned n = 0; s->peers && n < s->nshards; n++)
			if (n != s->shard)
				tell(s, n, e->pid);
		free(e);
	}
}

void bfs_far_gone(struct bfs_server *s, pid_t pid)
{
	struct bfs_session *sess, *next;
	struct bfs_shards used = { 0 };

	if (!s->peers && s->nshards > 1)
		tell_later(s, pid);
	if (!s->peers)
		return;
	HASH_ITER(hh, s->sessions, sess, next)
	for (unsigned n = 0; sess->pid == pid && n < s->nshards; n++)
		if (bfs_shards_has(&sess->used, n))
			bfs_shards_add(&used, n);
	for (unsigned n = bfs_shards_next(&used, 0); n < s->nshards;
	     n = bfs_shards_next(&used, n + 1))
		tell(s, n, pid);
	bfs_shards_clear(&used);
}
