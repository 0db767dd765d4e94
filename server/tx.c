/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/tx.h"

#include "core/kill.h"
#include "core/log.h"
#include "core/util.h"
#include "server/fiber.h"
#include "server/peer.h"
#include "server/server.h"
#include "server/settle.h"
#include "server/shared.h"
#include "server/sync.h"
#include "server/tx_log.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define AGAIN_NS 1000000000ull /* between tries to tell what was decided */
#define PAUSE_NS 2000000u      /* at least, before a change tries again */

void bfs_tx_begin(struct bfs_tx *t, struct bfs_call *c)
{
	*t = (struct bfs_tx){ .id = bfs_home_tx(bfs_call_fs(c)), .c = c };
	DL_APPEND(bfs_call_fs(c)->driving, t);
}

static unsigned own(const struct bfs_tx *t)
{
	return t->c->server->shard;
}

/* Another shard is to hold something: it will have to be told of the end. */
static int take_in(struct bfs_tx *t, unsigned shard)
{
	return shard == own(t) ? 0 : bfs_shards_add(&t->with, shard);
}

int bfs_tx_entry(struct bfs_tx *t, uint64_t dir, struct bfs_str name,
		 struct bfs_txentry_rep *rep)
{
	struct bfs_txentry_req req = { t->id, dir, name };
	unsigned shard = bfs_shared_place(bfs_call_fs(t->c), dir, name);
	uint8_t room[BFS_FIELDS_MAX];
	int r = take_in(t, shard);

	if (r)
		return r;
	if (shard == own(t))
		return bfs_txp_entry(t->c, shard, &req, rep);
	return bfs_peer_txentry(t->c->server, shard, t->c->deadline, &req, rep,
				room);
}

int bfs_tx_tree(struct bfs_tx *t)
{
	struct bfs_txtree_req req = { t->id };
	struct bfs_txtree_rep rep;
	unsigned shard = bfs_shared_home(bfs_call_fs(t->c), BFS_ROOT_INO);
	uint8_t room[BFS_FIELDS_MAX];
	int r = take_in(t, shard);

	if (r)
		return r;
	if (shard == own(t))
		r = bfs_txp_tree(t->c, shard, t->id);
	else
		r = bfs_peer_txtree(t->c->server, shard, t->c->deadline, &req,
				    &rep, room);
	if (!r)
		bfs_tx_add(t, (struct bfs_change){ .kind = BFS_CHANGE_TREE,
						   .ino = BFS_ROOT_INO });
	return r;
}

int bfs_tx_inode(struct bfs_tx *t, uint64_t ino, struct bfs_txinode_rep *rep)
{
	struct bfs_txinode_req req = { t->id, ino };
	unsigned shard = bfs_shared_home(bfs_call_fs(t->c), ino);
	uint8_t room[BFS_FIELDS_MAX];
	int r = take_in(t, shard);

	if (r)
		return r;
	if (shard == own(t))
		r = bfs_txp_inode(t->c, shard, &req, rep);
	else
		r = bfs_peer_txinode(t->c->server, shard, t->c->deadline, &req,
				     rep, room);
	t->durable |= !r && rep->on_disk;
	return r;
}

int bfs_tx_dir(struct bfs_tx *t, uint64_t ino, bool empty)
{
	struct bfs_txdir_req req = { t->id, ino, empty };
	struct bfs_txdir_rep rep;
	unsigned shard = bfs_shared_home(bfs_call_fs(t->c), ino);
	uint8_t room[BFS_FIELDS_MAX];
	int r = take_in(t, shard);

	if (r)
		return r;
	if (shard == own(t))
		return bfs_txp_dir(t->c, shard, &req);
	return bfs_peer_txdir(t->c->server, shard, t->c->deadline, &req, &rep,
			      room);
}

bool bfs_tx_before(const struct bfs_fs *fs, uint64_t dir_a,
		   struct bfs_str name_a, uint64_t dir_b, struct bfs_str name_b)
{
	unsigned a = bfs_shared_place(fs, dir_a, name_a);
	unsigned b = bfs_shared_place(fs, dir_b, name_b);
	int r;

	if (a != b)
		return a < b;
	if (dir_a != dir_b)
		return dir_a < dir_b;
	r = memcmp(name_a.ptr, name_b.ptr, BFS_MIN(name_a.len, name_b.len));
	return r ? r < 0 : name_a.len < name_b.len;
}

void bfs_tx_add(struct bfs_tx *t, struct bfs_change ch)
{
	t->changes[t->n++] = ch;
}

/* What is to happen on that shard. */
static uint32_t changes_of(const struct bfs_tx *t, unsigned shard, uint8_t *buf)
{
	struct bfs_wire w;

	bfs_wire_init(&w, buf, BFS_CHANGES_LEN);
	for (unsigned n = 0; n < t->n; n++)
		if (bfs_change_shard(bfs_call_fs(t->c), &t->changes[n]) ==
		    shard)
			bfs_change_put(&w, &t->changes[n]);
	return (uint32_t)(w.pos - buf);
}

static int prepare_own(struct bfs_tx *t)
{
	uint8_t buf[BFS_CHANGES_LEN];
	uint8_t with[BFS_WITH_MAX];
	struct bfs_txprepare_req req = {
		t->id,
		bfs_settle_with(&t->with, own(t), own(t), with),
		{ (char *)buf, changes_of(t, own(t), buf) }
	};

	return req.changes.len
		       ? bfs_txp_prepare(bfs_call_fs(t->c), own(t), &req)
		       : 0;
}

/* PREPARE on its way to another shard. */
struct preparing {
	uint8_t req[BFS_CHANGES_LEN + BFS_WITH_MAX + 16], rep[16];
};

/* False: nothing is to happen there. */
static bool fill_in(const struct bfs_tx *t, unsigned shard, struct preparing *p,
		    struct bfs_peer_msg *m)
{
	uint8_t buf[BFS_CHANGES_LEN];
	uint8_t with[BFS_WITH_MAX];
	struct bfs_txprepare_req req = {
		t->id,
		bfs_settle_with(&t->with, own(t), shard, with),
		{ (char *)buf, changes_of(t, shard, buf) }
	};
	struct bfs_wire w;

	if (!req.changes.len)
		return false;
	bfs_wire_init(&w, p->req, sizeof(p->req));
	bfs_txprepare_req_put(&w, &req);
	*m = (struct bfs_peer_msg){ .op = BFS_OP_TXPREPARE,
				    .req = p->req,
				    .req_len = (size_t)(w.pos - p->req),
				    .rep = p->rep,
				    .rep_cap = sizeof(p->rep),
				    .deadline = t->c->deadline };
	return true;
}

/* All at once: what each needs is held since before. */
static int prepare_others(const struct bfs_tx *t)
{
	struct preparing *p = calloc(t->n, sizeof(*p));
	struct bfs_peer_msg m[BFS_CHANGES_MAX];
	unsigned shards[BFS_CHANGES_MAX], n = 0;
	int r = p || !t->n ? 0 : -ENOMEM;

	/* Each has a change of its own, so there are not more of them. */
	for (unsigned s = bfs_shards_next(&t->with, 0); !r && s != UINT_MAX;
	     s = bfs_shards_next(&t->with, s + 1)) {
		if (n < t->n && fill_in(t, s, &p[n], &m[n]))
			shards[n++] = s;
	}
	if (!r && n)
		r = bfs_peer_wait_all(t->c->server, m, shards, n);
	for (unsigned k = 0; !r && k < n; k++)
		r = m[k].status;
	free(p);
	return r;
}

static int prepare(struct bfs_tx *t)
{
	int r = prepare_own(t);

	if (!r)
		r = prepare_others(t);
	/* Who was started anew has lost what it had taken: once more. */
	return r == -ESTALE ? -EAGAIN : r;
}

/*
 * The news of the end, to one shard.  What was decided is told until it has
 * been heard; only then is it forgotten.
 */
struct bfs_tx_news {
	struct bfs_peer_msg msg;
	struct bfs_server *server;
	unsigned shard;
	uint64_t tx;
	bool decided;
	bool redo;	/* it has lost its part: here it is again */
	unsigned *left; /* of those that the driver waits for; or NULL */
	struct bfs_fiber *fiber;
	struct bfs_timer timer;
	struct bfs_tx_news *prev, *next; /* in fs->news */
	uint8_t rep[16];
};

static void heard(struct bfs_tx_news *n)
{
	unsigned *left = n->left;
	struct bfs_fiber *fiber = n->fiber;

	DL_DELETE(n->server->fs->news, n);
	if (n->decided && n->msg.status != -ECANCELED)
		bfs_settle_heard(n->server->fs, n->tx, n->shard);
	BFS_KILL_POINT(tx_heard);
	free(n);
	if (left && !--*left)
		bfs_fiber_resume(fiber);
}

static void tell(struct bfs_tx_news *n);

static void on_timer(struct bfs_timer *timer)
{
	tell(timer->arg);
}

/* It does not know what it has promised: it has lost power since. */
static bool lost(const struct bfs_tx_news *n)
{
	struct bfs_txend_rep rep = { 1 };
	struct bfs_wire w;

	bfs_wire_init(&w, n->msg.rep, n->msg.rep_len);
	return n->decided && !n->redo && !n->msg.status &&
	       !bfs_txend_rep_get(&w, &rep) && !rep.known &&
	       bfs_settle_is_decided(n->server->fs, n->tx);
}

static void on_told(struct bfs_peer_msg *m)
{
	struct bfs_tx_news *n = m->arg;

	if (lost(n)) {
		n->redo = true;
		tell(n);
		return;
	}
	if (!m->status || !n->decided || m->status == -ECANCELED) {
		heard(n);
		return;
	}
	/* The driver's client need not wait for a shard that is down: its
	 * entries are held until it hears. */
	if (n->left && !--*n->left)
		bfs_fiber_resume(n->fiber);
	n->left = NULL;
	n->timer = (struct bfs_timer){ .fn = on_timer, .arg = n };
	bfs_loop_timer(n->server->loop, &n->timer, bfs_now() + AGAIN_NS);
}

static void tell(struct bfs_tx_news *n)
{
	uint8_t req[BFS_FIELDS_MAX];
	struct bfs_wire w;

	bfs_wire_init(&w, req, sizeof(req));
	n->redo = n->redo && bfs_settle_put_redo(n->server->fs, n->tx, &w);
	if (!n->redo)
		bfs_txend_req_put(&w,
				  &(struct bfs_txend_req){ n->tx, n->decided });
	n->msg = (struct bfs_peer_msg){
		.op = n->redo ? BFS_OP_TXREDO : BFS_OP_TXEND,
		.req = req,
		.req_len = (size_t)(w.pos - req),
		.rep = n->rep,
		.rep_cap = sizeof(n->rep),
		.deadline = bfs_now() + n->server->config.network.timeout_secs *
						1000000000ull,
		.unless_dead = true,
		.done = on_told,
		.arg = n
	};
	bfs_peer_send(n->server, n->shard, &n->msg);
}

static struct bfs_tx_news *make_news(struct bfs_server *s, uint64_t tx,
				     unsigned shard, bool decided)
{
	struct bfs_tx_news *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL; /* they will ask */
	n->server = s;
	n->shard = shard;
	n->tx = tx;
	n->decided = decided;
	DL_APPEND(s->fs->news, n);
	return n;
}

static void spread(struct bfs_tx *t, bool decided, unsigned *left)
{
	for (unsigned s = bfs_shards_next(&t->with, 0); s != UINT_MAX;
	     s = bfs_shards_next(&t->with, s + 1)) {
		struct bfs_tx_news *n =
			make_news(t->c->server, t->id, s, decided);

		if (!n)
			continue;
		n->left = left;
		n->fiber = bfs_fiber_self();
		if (left)
			++*left;
		tell(n);
	}
}

void bfs_tx_again(struct bfs_server *s, uint64_t tx, unsigned shard)
{
	struct bfs_tx_news *n = make_news(s, tx, shard, true);

	if (!n)
		return;
	n->timer = (struct bfs_timer){ .fn = on_timer, .arg = n };
	bfs_loop_timer(s->loop, &n->timer, bfs_now() + AGAIN_NS);
}

void bfs_tx_peer_new(struct bfs_server *s, unsigned shard)
{
	struct bfs_tx_news *n;

	DL_FOREACH(s->fs->news, n)
	if (n->shard == shard && n->timer.at)
		bfs_loop_timer(s->loop, &n->timer, bfs_now());
}

bool bfs_tx_decided(const struct bfs_fs *fs, uint64_t tx)
{
	const struct bfs_tx_news *n;

	DL_FOREACH(fs->news, n)
	if (n->tx == tx && n->decided)
		return true;
	return bfs_settle_is_decided(fs, tx);
}

void bfs_tx_stop(struct bfs_server *s)
{
	struct bfs_tx_news *n, *next;

	if (!s->fs)
		return;
	DL_FOREACH_SAFE(s->fs->news, n, next)
	{
		bfs_loop_timer(s->loop, &n->timer, 0);
		DL_DELETE(s->fs->news, n);
		free(n);
	}
}

int bfs_tx_end(struct bfs_tx *t, int r)
{
	struct bfs_fs *fs = bfs_call_fs(t->c);
	unsigned left = 0;

	if (!r)
		r = prepare(t);
	BFS_KILL_POINT(tx_prepared);
	if (!r)
		r = bfs_tx_log_decision(t);
	BFS_KILL_POINT(tx_decided);
	/* What others have on disk must not be lost between two of their logs.
	 * If this fails, fsync will tell: it has been decided. */
	if (!r && t->durable && bfs_shards_next(&t->with, 0) != UINT_MAX)
		(void)bfs_sync_own_log(t->c->server);
	/* This is the moment at which it happens, or not. */
	bfs_txp_end(fs, t->id, !r);
	spread(t, !r, r ? NULL : &left);
	BFS_KILL_POINT(tx_told);
	DL_DELETE(fs->driving, t);
	while (left)
		bfs_fiber_suspend();
	bfs_shards_clear(&t->with);
	return r;
}

int bfs_serve_txoutcome(struct bfs_call *c, const struct bfs_txoutcome_req *req,
			struct bfs_txoutcome_rep *rep)
{
	const struct bfs_fs *fs = bfs_call_fs(c);
	const struct bfs_tx *t;

	rep->outcome =
		bfs_tx_decided(fs, req->tx) ? BFS_TX_DECIDED : BFS_TX_UNKNOWN;
	DL_FOREACH(fs->driving, t)
	if (t->id == req->tx)
		rep->outcome = BFS_TX_OPEN;
	return 0;
}

struct pause {
	struct bfs_timer timer;
	struct bfs_fiber *fiber;
};

static void on_pause(struct bfs_timer *timer)
{
	struct pause *p = timer->arg;

	bfs_fiber_resume(p->fiber);
}

int bfs_tx_pause(struct bfs_call *c)
{
	struct pause p = { .timer.fn = on_pause, .fiber = bfs_fiber_self() };
	uint64_t now = bfs_now();

	if (now >= c->deadline)
		return -ETIMEDOUT;
	p.timer.arg = &p;
	bfs_loop_timer(c->server->loop, &p.timer,
		       now + PAUSE_NS + bfs_home_tx(bfs_call_fs(c)) % PAUSE_NS);
	bfs_fiber_suspend();
	return 0;
}
