/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/reclaim.h"

#include "core/arena.h"
#include "core/log.h"
#include "core/util.h"
#include "server/arena.h"
#include "server/inode.h"
#include "server/making.h"
#include "server/passing.h"
#include "server/peer.h"
#include "server/shared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define PAGE 4096	       /* descriptions in an answer */
#define AGAIN_NS 1000000000ull /* ask again who has not answered... */
#define REPEAT_NS 3000000000ull
#define SOON_NS 50000000ull /* ...or was in the middle of something */

/* A question to one node's daemon. */
struct asking {
	struct bfs_reclaim *all;
	struct bfs_peer_msg msg;
	struct bfs_timer timer;
	unsigned node;
	uint32_t uid, slot; /* from there on */
	bool making;	    /* in this round */
	struct asking *prev, *next;
	uint8_t req[8], rep[64], in[PAGE * BFS_OPENS_BYTES];
};

struct bfs_reclaim {
	struct bfs_server *server;
	struct asking *asking; /* (utlist DL) */
	uint64_t until;
	uint64_t repeat_until; /* calls that we have not answered come again */
};

static uint64_t timeout_ns(const struct bfs_server *s)
{
	return s->config.network.timeout_secs * 1000000000ull;
}

static bool is_known(const struct bfs_inode *i, const struct bfs_open *o)
{
	for (unsigned n = 0; n < bfs_inode_nopens(i); n++) {
		const struct bfs_open *k = &i->rare->opens[n];

		if (k->node == o->node && k->uid == o->uid &&
		    k->slot == o->slot && k->gen == o->gen)
			return true;
	}
	return false;
}

/* As comeback.c does with those of our own node. */
static void take_one(struct bfs_server *s, struct bfs_handle h,
		     const struct bfs_open *o)
{
	struct bfs_inode *i = bfs_inode_of(s->fs, h);

	if (!i || bfs_shared_home(s->fs, h.ino) != s->shard || is_known(i, o))
		return;
	if (S_ISREG(i->mode) && !(h.rights & BFS_RIGHT_PATH))
		i->file.locks_here = h.rights & BFS_RIGHT_LOCK;
	if (bfs_orphan_opened(s->fs, i, o))
		bfs_log(error,
			"an open of %016lx is not known any more: no memory",
			i->ino);
}

static int take(struct asking *a, struct bfs_opens_rep *rep)
{
	struct bfs_wire w;

	bfs_wire_init(&w, a->msg.rep, a->msg.rep_len);
	if (bfs_opens_rep_get(&w, rep) ||
	    a->msg.in_len != rep->count * (size_t)BFS_OPENS_BYTES)
		return -EBADMSG;
	bfs_wire_init(&w, a->in, a->msg.in_len);
	for (uint32_t n = 0; n < rep->count; n++) {
		struct bfs_handle h = bfs_get_handle(&w);
		struct bfs_open o = { .node = (uint16_t)a->node,
				      .writes = h.rights & BFS_RIGHT_WRITE };

		o.uid = bfs_get_u32(&w);
		o.slot = bfs_get_u32(&w);
		o.gen = bfs_get_u32(&w);
		take_one(a->all->server, h, &o);
	}
	return 0;
}

static void end(struct asking *a)
{
	struct bfs_reclaim *all = a->all;

	bfs_loop_timer(all->server->loop, &a->timer, 0);
	DL_DELETE(all->asking, a);
	free(a);
}

static void ask(struct asking *a);

static void on_timer(struct bfs_timer *t)
{
	ask(t->arg);
}

static void later(struct asking *a, uint64_t ns)
{
	a->timer = (struct bfs_timer){ .fn = on_timer, .arg = a };
	bfs_loop_timer(a->all->server->loop, &a->timer, bfs_now() + ns);
}

static void begin(struct asking *a)
{
	a->uid = a->slot = 0;
	a->making = false;
}

static void on_answer(struct bfs_peer_msg *m)
{
	struct asking *a = m->arg;
	struct bfs_opens_rep rep;

	if (m->status == -ECANCELED) { /* we are stopping */
		end(a);
		return;
	}
	if (m->status || take(a, &rep)) {
		begin(a);
		later(a, AGAIN_NS);
		return;
	}
	a->making |= rep.making;
	a->uid = rep.uid;
	a->slot = rep.slot;
	if (rep.more) {
		ask(a);
	} else if (a->making && bfs_reclaim_waits(a->all->server)) {
		begin(a);
		later(a, SOON_NS);
	} else {
		end(a);
	}
}

static void ask(struct asking *a)
{
	struct bfs_server *s = a->all->server;
	struct bfs_wire w;

	bfs_wire_init(&w, a->req, sizeof(a->req));
	bfs_opens_req_put(&w, &(struct bfs_opens_req){ a->uid, a->slot });
	a->msg = (struct bfs_peer_msg){ .op = BFS_OP_OPENS,
					.req = a->req,
					.req_len = sizeof(a->req),
					.in = a->in,
					.in_cap = sizeof(a->in),
					.rep = a->rep,
					.rep_cap = sizeof(a->rep),
					.deadline = bfs_now() + timeout_ns(s),
					.done = on_answer,
					.arg = a };
	bfs_peer_send(s, a->node, &a->msg);
}

static void add(struct bfs_reclaim *all, unsigned node)
{
	struct asking *a = calloc(1, sizeof(*a));

	if (!a) {
		bfs_log(error,
			"what clients of shard %u have open is not known any "
			"more: no memory",
			node);
		return;
	}
	a->all = all;
	a->node = node;
	DL_APPEND(all->asking, a);
	ask(a);
}

void bfs_reclaim_start(struct bfs_server *s)
{
	struct bfs_reclaim *all = s->reclaim;

	if (!s->journal || !s->peers || all)
		return;
	all = s->reclaim = calloc(1, sizeof(*all));
	if (!all)
		return;
	all->server = s;
	all->until = bfs_now() + timeout_ns(s);
	all->repeat_until = bfs_now() + REPEAT_NS;
	for (unsigned n = 0; n < s->nshards; n++)
		if (bfs_node_of(s, n) == n && n != s->shard)
			add(all, n);
}

bool bfs_reclaim_waits(const struct bfs_server *s)
{
	const struct bfs_reclaim *all = s->reclaim;
	uint64_t now = bfs_now();

	if (!all) /* not joined yet */
		return s->journal && s->nshards > 1;
	return now < all->repeat_until || (all->asking && now < all->until);
}

void bfs_reclaim_free(struct bfs_server *s)
{
	struct bfs_reclaim *all = s->reclaim;

	while (all && all->asking)
		end(all->asking);
	free(all);
	s->reclaim = NULL;
}

/* The other side: the arenas of a node. */
struct page {
	struct bfs_call *c;
	struct bfs_wire w;
	uint32_t count, cap;
};

static bool pass_alive(void *arg, uint64_t ino, uint32_t uid, uint32_t slot)
{
	return false; /* its home looks at the data file's locks */
}

static bool put(void *arg, uint32_t uid, uint32_t slot,
		const struct bfs_desc *d)
{
	struct page *p = arg;
	struct bfs_handle h = bfs_desc_handle(d);

	if (d->data_ino ||
	    bfs_shared_home(bfs_call_fs(p->c), h.ino) != (unsigned)p->c->peer)
		return true;
	if (p->count == p->cap)
		return false;
	bfs_put_handle(&p->w, h);
	bfs_put_u32(&p->w, uid);
	bfs_put_u32(&p->w, slot);
	bfs_put_u32(&p->w, BFS_DESC_GEN(d->word));
	p->count++;
	return true;
}

int bfs_serve_opens(struct bfs_call *c, const struct bfs_opens_req *req,
		    struct bfs_opens_rep *rep)
{
	struct page p = { .c = c,
			  .cap = (uint32_t)(c->in_cap / BFS_OPENS_BYTES) };
	const struct bfs_arena_sweep ops = { .pass_alive = pass_alive,
					     .arg = &p };
	bool making = false;

	if (!p.cap)
		return -EBADMSG;
	bfs_wire_init(&p.w, c->in, c->in_cap);
	rep->uid = req->uid;
	rep->slot = req->slot;
	rep->more = bfs_arenas_page(c->server->arenas, &rep->uid, &rep->slot,
				    put, &ops, &making);
	rep->making = making;
	rep->count = p.count;
	c->in_len = p.count * (size_t)BFS_OPENS_BYTES;
	return 0;
}
