/* SPDX-License-Identifier: BSD-3-Clause */
/* What handlers use: calls that suspend the fiber, and the typed stubs. */
#include "core/log.h"
#include "core/util.h"
#include "server/peer_impl.h"

#include <errno.h>

/* A fiber that waits for some messages. */
struct waiter {
	struct bfs_fiber *fiber;
	unsigned missing;
	bool suspended;
};

void bfs_peer_wake_fiber(struct bfs_peer_msg *m)
{
	struct waiter *w = m->arg;

	if (--w->missing || !w->suspended)
		return;
	w->suspended = false;
	bfs_fiber_resume(w->fiber);
}

void bfs_peer_send(struct bfs_server *s, unsigned shard, struct bfs_peer_msg *m)
{
	struct bfs_peer *p;

	if (!s->peers) { /* the last ones are gone already */
		m->status = -ECANCELED;
		m->done(m);
		return;
	}
	p = bfs_peer_get(s, shard);
	if (p) {
		bfs_peer_submit(p, m);
		return;
	}
	/* an inode number that another daemon told led there */
	bfs_log(error, "%s: there is no shard %u, or no memory",
		bfs_op_name(m->op), shard);
	bfs_peer_finish_later(s->peers, m, -EIO);
}

int bfs_peer_wait_all(struct bfs_server *s, struct bfs_peer_msg *m,
		      const unsigned *shards, unsigned n)
{
	struct waiter w = { .fiber = bfs_fiber_self(), .missing = n };

	if (!w.fiber)
		return -BFS_NEED_FIBER;
	for (unsigned i = 0; i < n; i++) {
		m[i].done = bfs_peer_wake_fiber;
		m[i].arg = &w;
		bfs_peer_send(s, shards[i], &m[i]);
	}
	if (w.missing) {
		w.suspended = true;
		bfs_fiber_suspend();
	}
	return 0;
}

int bfs_peer_call(struct bfs_server *s, unsigned shard, struct bfs_peer_msg *m)
{
	int r = bfs_peer_wait_all(s, m, &shard, 1);

	return r ? r : m->status;
}

#define RPC(num, NAME, name, flags, reqf, repf) \
	int bfs_peer_##name(struct bfs_server *s, unsigned shard, \
			    uint64_t deadline, \
			    const struct bfs_##name##_req *req, \
			    struct bfs_##name##_rep *rep, uint8_t *room) \
	{ \
		uint8_t fields[BFS_FIELDS_MAX - BFS_REQ_HEAD_LEN]; \
		struct bfs_peer_msg m = { .op = BFS_OP_##NAME, \
					  .req = fields, \
					  .rep = room, \
					  .rep_cap = BFS_FIELDS_MAX, \
					  .deadline = deadline }; \
		struct bfs_wire w; \
		int r; \
\
		bfs_wire_init(&w, fields, sizeof(fields)); \
		if (bfs_##name##_req_put(&w, req)) \
			return -ENAMETOOLONG; \
		m.req_len = (size_t)(w.pos - fields); \
		r = bfs_peer_call(s, shard, &m); \
		bfs_wire_init(&w, room, m.rep_len); \
		return r ? r : bfs_##name##_rep_get(&w, rep); \
	}
#include "core/proto.def"
#undef RPC

static void on_cancelled(struct bfs_peer_msg *m)
{
	free(m);
}

struct cancel {
	struct bfs_peer_msg m;
	uint8_t req[8];
};

void bfs_peer_msg_cancel(struct bfs_server *s, unsigned shard,
			 struct bfs_peer_msg *m)
{
	uint64_t until =
		bfs_now() + s->config.network.timeout_secs * 1000000000ull;
	struct bfs_peer_tx *tx = m->tx;
	struct bfs_peer *p;
	struct cancel *c;
	struct bfs_wire w;

	if (!tx)
		return; /* its done() is on its way */
	p = tx->peer;
	m->deadline = BFS_MIN(m->deadline, until);
	bfs_peer_wake(p->all, m->deadline);
	if (!tx->ran_in) {
		bfs_peer_end_later(tx, -EINTR);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return; /* the deadline ends it */
	bfs_wire_init(&w, c->req, sizeof(c->req));
	bfs_put_u64(&w, tx->id);
	c->m = (struct bfs_peer_msg){ .op = BFS_OP_CANCEL,
				      .req = c->req,
				      .req_len = sizeof(c->req),
				      .deadline = m->deadline,
				      .done = on_cancelled };
	bfs_peer_submit(p, &c->m);
}
