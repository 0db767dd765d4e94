/* SPDX-License-Identifier: BSD-3-Clause */
/* The data of a write goes to the other shards, to all at once. */
#include "core/util.h"
#include "server/peer.h"
#include "server/stripe_home.h"

#include <errno.h>
#include <stdlib.h>

struct part {
	uint8_t req[64], rep[32];
	uint8_t *buf; /* NULL: its one piece lies in the data itself */
};

struct parts {
	unsigned n;
	unsigned *shards;
	struct bfs_peer_msg *msgs;
	struct part *parts;
};

static int allocate(struct parts *a, unsigned most)
{
	a->shards = calloc(most + 1, sizeof(*a->shards));
	a->msgs = calloc(most + 1, sizeof(*a->msgs));
	a->parts = calloc(most, sizeof(*a->parts));
	return a->shards && a->msgs && a->parts ? 0 : -ENOMEM;
}

static void release(struct parts *a)
{
	for (unsigned n = 0; n < a->n; n++)
		free(a->parts[n].buf);
	free(a->shards);
	free(a->msgs);
	free(a->parts);
}

/* The shard's pieces as one bulk.  NULL: no memory. */
static const uint8_t *bulk(const struct bfs_sending *s, unsigned shard,
			   struct part *p, size_t len)
{
	struct bfs_piece at = { 0 };

	bfs_plan_next(&s->plan, shard, &at);
	if (at.len == len)
		return s->data + (at.offset - s->plan.offset);
	p->buf = malloc(len);
	if (p->buf)
		bfs_plan_gather(&s->plan, shard, s->data, p->buf);
	return p->buf;
}

static int prepare(const struct bfs_sending *s, struct parts *a, unsigned shard,
		   size_t len)
{
	struct part *p = &a->parts[a->n];
	struct bfs_chunkwrite_req req = {
		.ino = s->ino,
		.version = s->version,
		.chunk = s->plan.chunk,
		.offset = s->plan.offset,
		.size = (uint32_t)(s->plan.end - s->plan.offset),
		.flags = s->flags,
	};
	const uint8_t *out = bulk(s, shard, p, len);
	struct bfs_wire w;

	if (!out)
		return -ENOMEM;
	bfs_wire_init(&w, p->req, sizeof(p->req));
	bfs_chunkwrite_req_put(&w, &req);
	a->msgs[a->n] =
		(struct bfs_peer_msg){ .op = BFS_OP_CHUNKWRITE,
				       .req = p->req,
				       .req_len = (size_t)(w.pos - p->req),
				       .out = out,
				       .out_len = len,
				       .rep = p->rep,
				       .rep_cap = sizeof(p->rep),
				       .deadline = s->c->deadline };
	a->shards[a->n++] = shard;
	return 0;
}

static void take(struct bfs_sending *s, const struct bfs_peer_msg *m,
		 unsigned shard)
{
	struct bfs_chunkwrite_rep rep = { 0 };
	int err = m->status;
	uint64_t front;
	struct bfs_wire w;

	bfs_wire_init(&w, m->rep, m->rep_len);
	if (!err && bfs_chunkwrite_rep_get(&w, &rep))
		err = -EBADMSG;
	if (!err && rep.version != s->version) {
		s->again = BFS_MAX(s->again, rep.version);
		return;
	}
	if (!err)
		err = -(int)rep.error;
	if (!err)
		return;
	front = bfs_plan_front(&s->plan, shard, rep.written);
	if (front < s->front || !s->error) {
		s->front = BFS_MIN(front, s->front);
		s->error = err;
	}
}

static int run(struct bfs_sending *s, struct parts *a)
{
	unsigned all = a->n;
	int r;

	if (s->home) {
		a->shards[all] = s->plan.home;
		a->msgs[all++] = *s->home;
	}
	if (!all)
		return 0;
	r = bfs_peer_wait_all(s->c->server, a->msgs, a->shards, all);
	for (unsigned n = 0; !r && n < a->n; n++)
		take(s, &a->msgs[n], a->shards[n]);
	if (s->home)
		*s->home = a->msgs[a->n];
	return r;
}

int bfs_stripe_send(struct bfs_sending *s)
{
	struct parts a = { 0 };
	int r = allocate(&a, s->plan.nshards);

	s->front = s->plan.end;
	s->error = 0;
	s->again = 0;
	for (unsigned n = 0; !r && n < s->plan.nshards; n++) {
		uint64_t len =
			n == s->plan.home ? 0 : bfs_plan_bytes(&s->plan, n);

		if (len)
			r = prepare(s, &a, n, len);
	}
	if (!r)
		r = run(s, &a);
	release(&a);
	return r;
}
