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

struct reading {
	struct bfs_call *c;
	const struct bfs_read_req *req;
	struct bfs_plan plan; /* its end is not beyond the size */
	uint64_t version;
};

struct asked {
	uint8_t req[64], rep[32];
	uint8_t *buf;
};

/* The home's size, version and own pieces. */
static int ask_home(struct reading *rd, uint8_t *own, uint64_t most)
{
	struct bfs_call *c = rd->c;
	struct bfs_plan *p = &rd->plan;
	struct bfs_stripeinfo_req req = { .ino = rd->req->handle.ino,
					  .offset = p->offset,
					  .size = (uint32_t)(p->end -
							     p->offset),
					  .flags = rd->req->flags };
	struct bfs_stripeinfo_rep rep;
	uint8_t fields[64], room[64];
	struct bfs_wire w;
	struct bfs_peer_msg m = { .op = BFS_OP_STRIPEINFO,
				  .req = fields,
				  .rep = room,
				  .rep_cap = sizeof(room),
				  .in = own,
				  .in_cap = most,
				  .deadline = c->deadline };
	int r;

	bfs_wire_init(&w, fields, sizeof(fields));
	bfs_stripeinfo_req_put(&w, &req);
	m.req_len = (size_t)(w.pos - fields);
	r = bfs_peer_call(c->server, p->home, &m);
	if (r)
		return r;
	bfs_wire_init(&w, room, m.rep_len);
	if (bfs_stripeinfo_rep_get(&w, &rep))
		return -EBADMSG;
	rd->version = rep.version;
	p->end = BFS_MAX(BFS_MIN(p->end, rep.size), p->offset);
	c->in_len = p->end - p->offset;
	if (m.in_len != bfs_plan_bytes(p, p->home))
		return -EBADMSG;
	bfs_plan_scatter(p, p->home, c->in, own, m.in_len);
	return 0;
}

static int prepare(const struct reading *rd, struct asked *a,
		   struct bfs_peer_msg *m, uint64_t len)
{
	struct bfs_chunkread_req req = {
		.ino = rd->req->handle.ino,
		.version = rd->version,
		.chunk = rd->plan.chunk,
		.offset = rd->plan.offset,
		.size = (uint32_t)(rd->plan.end - rd->plan.offset),
	};
	struct bfs_wire w;

	a->buf = malloc(len);
	if (!a->buf)
		return -ENOMEM;
	bfs_wire_init(&w, a->req, sizeof(a->req));
	bfs_chunkread_req_put(&w, &req);
	*m = (struct bfs_peer_msg){ .op = BFS_OP_CHUNKREAD,
				    .req = a->req,
				    .req_len = (size_t)(w.pos - a->req),
				    .rep = a->rep,
				    .rep_cap = sizeof(a->rep),
				    .in = a->buf,
				    .in_cap = len,
				    .deadline = rd->c->deadline };
	return 0;
}

/* 0; 1: it was truncated meanwhile; -errno. */
static int take(const struct reading *rd, const struct asked *a,
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
	bfs_plan_scatter(&rd->plan, shard, rd->c->in, a->buf, m->in_len);
	return 0;
}

static int ask_others(const struct reading *rd, struct asked *a,
		      struct bfs_peer_msg *m, unsigned *shards)
{
	unsigned n = 0;
	int r = 0, e;

	for (unsigned s = 0; !r && s < rd->plan.nshards; s++) {
		uint64_t len = s == rd->plan.home
				       ? 0
				       : bfs_plan_bytes(&rd->plan, s);

		if (!len)
			continue;
		shards[n] = s;
		r = prepare(rd, &a[n], &m[n], len);
		n++;
	}
	if (!r && n)
		r = bfs_peer_wait_all(rd->c->server, m, shards, n);
	for (unsigned k = 0; k < n; k++) {
		e = r < 0 ? r : take(rd, &a[k], &m[k], shards[k]);
		r = r < 0 || !e ? r : e;
		free(a[k].buf);
	}
	return r;
}

/* 0; 1: begin again; -errno. */
static int once(struct reading *rd)
{
	unsigned n = rd->plan.nshards;
	uint64_t most = bfs_plan_bytes(&rd->plan, rd->plan.home);
	uint8_t *own = malloc(most + 1);
	struct asked *a = calloc(n, sizeof(*a));
	struct bfs_peer_msg *m = calloc(n, sizeof(*m));
	unsigned *shards = calloc(n, sizeof(*shards));
	int r = own && a && m && shards ? 0 : -ENOMEM;

	if (!r)
		r = ask_home(rd, own, most);
	if (!r && rd->c->in_len)
		r = ask_others(rd, a, m, shards);
	free(own);
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
