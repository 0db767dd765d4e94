/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * READ of a range that concerns several shards, by the daemon that got it.  The
 * home's size comes first: below it all data is where it belongs (RULES 17).
 */
#include "core/util.h"
#include "server/peer.h"
#include "server/stripe_home.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reading {
	struct bfs_call *c;
	const struct bfs_read_req *req;
	struct bfs_plan plan; /* its end is not beyond the size */
	uint64_t version;
	uint64_t asked; /* the home, when: bfs_now() */
};

/* A question to one shard. */
struct asked {
	uint8_t req[64], rep[32];
	uint8_t *to;  /* where the answer's bulk goes */
	uint8_t *buf; /* that, if it is to be scattered; else NULL */
	uint64_t len;
};

/* Room for the shard's pieces: in place, if it is one. */
static int make_room(const struct reading *rd, struct asked *a, unsigned shard)
{
	struct bfs_piece at = { 0 };

	a->len = bfs_plan_bytes(&rd->plan, shard);
	a->to = rd->c->in;
	if (bfs_plan_next(&rd->plan, shard, &at) && at.len == a->len)
		a->to += at.offset - rd->plan.offset;
	else if (a->len)
		a->to = a->buf = malloc(a->len);
	return a->to ? 0 : -ENOMEM;
}

static void put_bulk(const struct reading *rd, const struct asked *a,
		     unsigned shard, size_t len)
{
	if (a->buf)
		bfs_plan_scatter(&rd->plan, shard, rd->c->in, a->buf, len);
	else if (a->len > len)
		memset(a->to + len, 0, a->len - len);
}

static void make_msg(const struct reading *rd, const struct asked *a,
		     uint32_t op, size_t req_len, struct bfs_peer_msg *m)
{
	*m = (struct bfs_peer_msg){ .op = op,
				    .req = a->req,
				    .req_len = req_len,
				    .rep = (uint8_t *)a->rep,
				    .rep_cap = sizeof(a->rep),
				    .in = a->to,
				    .in_cap = a->len,
				    .deadline = rd->c->deadline };
}

/* Size, version and the home's own pieces. */
static int prepare_home(const struct reading *rd, struct asked *a,
			struct bfs_peer_msg *m)
{
	struct bfs_stripeinfo_req req = { .ino = rd->req->handle.ino,
					  .offset = rd->plan.offset,
					  .size = (uint32_t)(rd->plan.end -
							     rd->plan.offset),
					  .flags = rd->req->flags };
	struct bfs_wire w;
	int r = make_room(rd, a, rd->plan.home);

	if (r)
		return r;
	bfs_wire_init(&w, a->req, sizeof(a->req));
	bfs_stripeinfo_req_put(&w, &req);
	make_msg(rd, a, BFS_OP_STRIPEINFO, (size_t)(w.pos - a->req), m);
	return 0;
}

static int prepare_chunks(const struct reading *rd, struct asked *a,
			  struct bfs_peer_msg *m, unsigned shard)
{
	struct bfs_chunkread_req req = {
		.ino = rd->req->handle.ino,
		.version = rd->version,
		.chunk = rd->plan.chunk,
		.offset = rd->plan.offset,
		.size = (uint32_t)(rd->plan.end - rd->plan.offset),
	};
	struct bfs_wire w;
	int r = make_room(rd, a, shard);

	if (r)
		return r;
	bfs_wire_init(&w, a->req, sizeof(a->req));
	bfs_chunkread_req_put(&w, &req);
	make_msg(rd, a, BFS_OP_CHUNKREAD, (size_t)(w.pos - a->req), m);
	return 0;
}

/* What it says of the size ends the plan.  0; 1: it is of another version than
 * it was thought to be; -errno. */
static int take_home(struct reading *rd, struct asked *a,
		     const struct bfs_peer_msg *m, bool known)
{
	struct bfs_plan *p = &rd->plan;
	struct bfs_stripeinfo_rep rep;
	struct bfs_wire w;

	if (m->status)
		return m->status;
	bfs_wire_init(&w, m->rep, m->rep_len);
	if (bfs_stripeinfo_rep_get(&w, &rep))
		return -EBADMSG;
	if (known && rep.version != rd->version)
		return 1;
	rd->version = rep.version;
	p->end = BFS_MAX(BFS_MIN(p->end, rep.size), p->offset);
	if (m->in_len != bfs_plan_bytes(p, p->home))
		return -EBADMSG;
	a->len = m->in_len;
	put_bulk(rd, a, p->home, m->in_len);
	bfs_stripe_learn(bfs_call_fs(rd->c), rd->req->handle.ino, rep.version,
			 rep.size, rd->asked);
	return 0;
}

static int take_chunks(const struct reading *rd, const struct asked *a,
		       const struct bfs_peer_msg *m, unsigned shard)
{
	struct bfs_chunkread_rep rep;
	struct bfs_wire w;

	if (m->status)
		return m->status;
	bfs_wire_init(&w, m->rep, m->rep_len);
	if (bfs_chunkread_rep_get(&w, &rep))
		return -EBADMSG;
	if (rep.version != rd->version)
		return 1;
	put_bulk(rd, a, shard, m->in_len);
	return 0;
}

static int ask_home(struct reading *rd)
{
	struct asked a = { .buf = NULL };
	struct bfs_peer_msg m;
	int r = prepare_home(rd, &a, &m);

	if (!r) {
		rd->asked = bfs_now();
		bfs_peer_call(rd->c->server, rd->plan.home, &m);
		r = take_home(rd, &a, &m, false);
	}
	free(a.buf);
	return r;
}

/* with_home: its own pieces too, of a size that is known. */
static int ask_all(struct reading *rd, bool with_home, struct asked *a,
		   struct bfs_peer_msg *m, unsigned *shards)
{
	unsigned n = 0, home = rd->plan.home;
	int r = 0, e;

	for (unsigned s = 0; !r && s < rd->plan.nshards; s++) {
		if ((s == home && !with_home) || !bfs_plan_bytes(&rd->plan, s))
			continue;
		shards[n] = s;
		r = s == home ? prepare_home(rd, &a[n], &m[n])
			      : prepare_chunks(rd, &a[n], &m[n], s);
		n++;
	}
	rd->asked = bfs_now();
	if (!r && n)
		r = bfs_peer_wait_all(rd->c->server, m, shards, n);
	for (unsigned k = 0; k < n; k++) {
		e = r < 0 ? r
		    : shards[k] == home
			    ? take_home(rd, &a[k], &m[k], true)
			    : take_chunks(rd, &a[k], &m[k], shards[k]);
		r = r < 0 || !e ? r : e;
		free(a[k].buf);
	}
	return r;
}

/* 0; 1: begin again; -errno. */
static int once(struct reading *rd)
{
	struct bfs_fs *fs = bfs_call_fs(rd->c);
	unsigned n = rd->plan.nshards;
	bool known = bfs_stripe_known(fs, rd->req->handle.ino, rd->plan.end,
				      &rd->version);
	struct asked *a = calloc(n, sizeof(*a));
	struct bfs_peer_msg *m = calloc(n, sizeof(*m));
	unsigned *shards = calloc(n, sizeof(*shards));
	int r = a && m && shards ? 0 : -ENOMEM;

	if (!r && !known)
		r = ask_home(rd);
	if (!r && rd->plan.end > rd->plan.offset)
		r = ask_all(rd, known, a, m, shards);
	if (r == 1)
		bfs_stripe_forget(fs, rd->req->handle.ino);
	rd->c->in_len = rd->plan.end - rd->plan.offset;
	free(a);
	free(m);
	free(shards);
	return r;
}

int bfs_stripe_read(struct bfs_call *c, const struct bfs_read_req *req)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	size_t size = BFS_MIN(req->size, c->in_cap);
	struct reading rd = { .c = c, .req = req };
	int r = 1;

	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	while (r == 1) {
		rd.plan = bfs_stripe_plan(fs, req->handle.ino,
					  bfs_stripe_chunk_of(fs, req->handle),
					  req->offset, req->offset + size);
		r = bfs_now() < c->deadline ? once(&rd) : -ETIMEDOUT;
	}
	return r;
}
