/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's side of settle.h.  One round at a time: our log, with the
 * decisions; the others' logs, with what they made of them; then the decisions
 * are struck out, and when that is on disk too, the others may forget.
 */
#include "server/settle_impl.h"

#include "core/util.h"
#include "server/journal.h"
#include "server/peer.h"
#include "server/server.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MOST 4096	      /* changes in a round */
#define EACH 512	      /* in a TXSETTLED */
#define GRACE_NS 10000000000u /* for an answer that nobody waits for */

struct round {
	struct bfs_server *server;
	struct bfs_journal_wait wait;
	unsigned left;		  /* answers under way, and one */
	struct bfs_shards failed; /* do not answer */
	unsigned n;
	uint64_t txs[MOST];
};

struct asked {
	struct bfs_peer_msg msg;
	struct round *round; /* NULL: of TXSETTLED */
	unsigned shard;
	uint8_t req[EACH * 8 + 16], rep[16];
};

static void end(struct round *r)
{
	struct bfs_fs *fs = r->server->fs;

	/* What is there still comes into the next round. */
	for (unsigned n = 0; n < r->n; n++) {
		struct bfs_unsettled *u = bfs_settle_find(fs, r->txs[n]);

		if (u)
			u->over = false;
	}
	fs->settling = NULL;
	bfs_shards_clear(&r->failed);
	free(r);
}

/* then() when all that has been noted here is on disk. */
static void sync_own(struct round *r,
		     void (*then)(struct bfs_journal_wait *w, int status))
{
	struct bfs_journal *j = r->server->fs->journal;

	r->wait.done = then;
	if (!j || bfs_journal_sync(j, &r->wait))
		end(r); /* it is tried again */
}

static struct asked *make(struct bfs_server *s, struct round *r, unsigned shard,
			  uint32_t op)
{
	struct asked *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->round = r;
	a->shard = shard;
	a->msg = (struct bfs_peer_msg){ .op = op,
					.req = a->req,
					.rep = a->rep,
					.rep_cap = sizeof(a->rep),
					.deadline = bfs_now() + GRACE_NS,
					.unless_dead = true,
					.arg = a };
	return a;
}

static void on_told(struct bfs_peer_msg *m)
{
	free(m->arg);
}

static void send_settled(struct bfs_server *s, unsigned shard, struct asked *a,
			 uint32_t len)
{
	struct bfs_wire w;

	memmove(a->req + 4, a->req, len);
	bfs_wire_init(&w, a->req, 4);
	bfs_put_u32(&w, len);
	a->msg.req_len = 4 + len;
	a->msg.done = on_told;
	bfs_peer_send(s, shard, &a->msg);
}

/* Of those that are over, what that shard has a part in. */
static void tell_settled(struct round *r, unsigned shard)
{
	struct bfs_server *s = r->server;
	struct asked *a = NULL;
	struct bfs_wire w;

	for (unsigned n = 0; n < r->n; n++) {
		const struct bfs_unsettled *u =
			bfs_settle_find(s->fs, r->txs[n]);

		if (!u || !u->over || !bfs_shards_has(&u->with, shard))
			continue;
		if (!a) {
			a = make(s, NULL, shard, BFS_OP_TXSETTLED);
			if (!a)
				return; /* they will ask */
			bfs_wire_init(&w, a->req, EACH * 8);
		}
		bfs_put_u64(&w, u->id);
		if (w.pos == w.end) {
			send_settled(s, shard, a, (uint32_t)(w.pos - a->req));
			a = NULL;
		}
	}
	if (a)
		send_settled(s, shard, a, (uint32_t)(w.pos - a->req));
}

static int parties(const struct round *r, struct bfs_shards *all)
{
	for (unsigned n = 0; n < r->n; n++) {
		const struct bfs_unsettled *u =
			bfs_settle_find(r->server->fs, r->txs[n]);

		for (unsigned s = u ? bfs_shards_next(&u->with, 0) : UINT_MAX;
		     s != UINT_MAX; s = bfs_shards_next(&u->with, s + 1))
			if (bfs_shards_add(all, s))
				return -ENOMEM;
	}
	return 0;
}

static void on_struck_out(struct bfs_journal_wait *w, int status)
{
	struct round *r = bfs_container_of(w, struct round, wait);
	struct bfs_fs *fs = r->server->fs;
	struct bfs_shards all = { 0 };

	if (!status && !parties(r, &all))
		for (unsigned s = bfs_shards_next(&all, 0); s != UINT_MAX;
		     s = bfs_shards_next(&all, s + 1))
			tell_settled(r, s);
	bfs_shards_clear(&all);
	for (unsigned n = 0; !status && n < r->n; n++) {
		struct bfs_unsettled *u = bfs_settle_find(fs, r->txs[n]);

		if (u && u->over)
			bfs_settle_forget(fs, u);
	}
	end(r);
}

static bool any_failed(const struct round *r, const struct bfs_unsettled *u)
{
	for (unsigned s = bfs_shards_next(&r->failed, 0); s != UINT_MAX;
	     s = bfs_shards_next(&r->failed, s + 1))
		if (bfs_shards_has(&u->with, s))
			return true;
	return false;
}

static void strike_out(struct bfs_journal *j, struct bfs_unsettled *u)
{
	for (unsigned s = bfs_shards_next(&u->with, 0); s != UINT_MAX;
	     s = bfs_shards_next(&u->with, s + 1))
		bfs_journal_gone_decision(j, &(struct bfs_rec_decision){
						     .id = u->id, .shard = s });
	bfs_journal_gone_txwith(j, &(struct bfs_rec_txwith){ .id = u->id });
	u->over = true;
}

/* All have answered, or failed to. */
static void on_answers(struct round *r)
{
	struct bfs_fs *fs = r->server->fs;

	for (unsigned n = 0; fs->journal && n < r->n; n++) {
		struct bfs_unsettled *u = bfs_settle_find(fs, r->txs[n]);

		if (u && bfs_settle_ready(u) && !any_failed(r, u))
			strike_out(fs->journal, u);
	}
	sync_own(r, on_struck_out);
}

static void answered(struct round *r)
{
	if (!--r->left)
		on_answers(r);
}

static void on_answer(struct bfs_peer_msg *m)
{
	struct asked *a = m->arg;
	struct round *r = a->round;

	if (m->status == -ECANCELED) { /* we are stopping */
		r->n = 0;
	} else if (m->status && bfs_shards_add(&r->failed, a->shard)) {
		r->n = 0;
	}
	free(a);
	answered(r);
}

static void ask(struct round *r, unsigned shard)
{
	static const struct bfs_synclog_req req;
	struct asked *a = make(r->server, r, shard, BFS_OP_SYNCLOG);
	struct bfs_wire w;

	if (!a) {
		r->n = 0;
		return;
	}
	bfs_wire_init(&w, a->req, sizeof(a->req));
	bfs_synclog_req_put(&w, &req);
	a->msg.req_len = (size_t)(w.pos - a->req);
	a->msg.done = on_answer;
	r->left++;
	bfs_peer_send(r->server, shard, &a->msg);
}

static void on_own(struct bfs_journal_wait *w, int status)
{
	struct round *r = bfs_container_of(w, struct round, wait);
	struct bfs_shards all = { 0 };

	if (status || parties(r, &all)) {
		bfs_shards_clear(&all);
		end(r);
		return;
	}
	r->left = 1;
	for (unsigned s = bfs_shards_next(&all, 0); s != UINT_MAX;
	     s = bfs_shards_next(&all, s + 1))
		ask(r, s);
	bfs_shards_clear(&all);
	answered(r);
}

bool bfs_settle_ready(const struct bfs_unsettled *u)
{
	return u->decided && !u->over &&
	       bfs_shards_next(&u->unheard, 0) == UINT_MAX;
}

void bfs_settle_round(struct bfs_server *s)
{
	struct bfs_unsettled *u, *next;
	struct round *r;

	if (s->fs->settling || !s->fs->unsettled || !s->fs->journal ||
	    !s->peers)
		return;
	r = calloc(1, sizeof(*r));
	if (!r)
		return;
	r->server = s;
	HASH_ITER(hh, s->fs->unsettled, u, next)
	if (r->n < MOST && bfs_settle_ready(u))
		r->txs[r->n++] = u->id;
	if (!r->n) {
		free(r);
		return;
	}
	s->fs->settling = r;
	sync_own(r, on_own);
}
