/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * WRITE of a range that concerns several shards, by the daemon that got it:
 * the home is told and says what version, the others get their data, and then
 * the home its own and the word that all is there (RULES 17).
 */
#include "core/util.h"
#include "server/peer.h"
#include "server/stripe_home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

struct writing {
	struct bfs_sending s;
	uint64_t grant;
	uint32_t written;
};

static int begin(struct writing *w)
{
	struct bfs_call *c = w->s.c;
	const struct bfs_plan *p = &w->s.plan;
	struct bfs_stripebegin_req req = { .ino = w->s.ino,
					   .offset = p->offset,
					   .size = (uint32_t)(p->end -
							      p->offset) };
	struct bfs_stripebegin_rep rep;
	uint8_t room[BFS_FIELDS_MAX];
	int r = bfs_peer_stripebegin(c->server, p->home, c->deadline, &req,
				     &rep, room);

	w->s.version = rep.version;
	w->grant = r ? 0 : rep.grant;
	return r;
}

static int put_groups(const struct bfs_cred *cred, uint8_t *buf, size_t *len)
{
	struct bfs_wire w;

	if (cred->ngroups > BFS_FORWARD_GROUPS)
		return -EOVERFLOW;
	bfs_wire_init(&w, buf, BFS_FORWARD_GROUPS * 4);
	for (uint32_t n = 0; n < cred->ngroups; n++)
		bfs_put_u32(&w, cred->groups[n]);
	*len = (size_t)(w.pos - buf);
	return 0;
}

struct ending {
	struct bfs_peer_msg m;
	uint8_t groups[BFS_FORWARD_GROUPS * 4];
	uint8_t req[128 + BFS_FORWARD_GROUPS * 4], rep[32];
	uint8_t *own;
};

/* The home's own pieces of what is to be published. */
static int own_pieces(struct ending *e, const struct writing *w,
		      const struct bfs_plan *p)
{
	size_t len = bfs_plan_bytes(p, p->home);

	if (!len)
		return 0;
	e->own = malloc(len);
	if (!e->own)
		return -ENOMEM;
	bfs_plan_gather(p, p->home, w->s.data, e->own);
	e->m.out = e->own;
	e->m.out_len = len;
	return 0;
}

static int prepare(struct ending *e, const struct writing *w,
		   const struct bfs_plan *p)
{
	const struct bfs_call *c = w->s.c;
	struct bfs_stripeend_req req = {
		.ino = w->s.ino,
		.grant = w->grant,
		.version = w->s.version,
		.offset = p->offset,
		.size = (uint32_t)(p->end - p->offset),
		.flags = w->s.flags,
		.uid = c->cred->uid,
		.gid = c->cred->gid,
	};
	struct bfs_wire wire;
	size_t len;
	int r = put_groups(c->cred, e->groups, &len);

	if (r)
		return r;
	req.groups = (struct bfs_str){ (char *)e->groups, (uint32_t)len };
	bfs_wire_init(&wire, e->req, sizeof(e->req));
	r = bfs_stripeend_req_put(&wire, &req);
	e->m = (struct bfs_peer_msg){ .op = BFS_OP_STRIPEEND,
				      .req = e->req,
				      .req_len = (size_t)(wire.pos - e->req),
				      .rep = e->rep,
				      .rep_cap = sizeof(e->rep),
				      .deadline = c->deadline };
	return r ? r : own_pieces(e, w, p);
}

/* 0; 1: begin again; -errno. */
static int take_end(struct ending *e, struct writing *w)
{
	struct bfs_stripeend_rep rep;
	struct bfs_wire wire;

	if (e->m.status == -ESTALE)
		return 1;
	if (e->m.status)
		return e->m.status;
	bfs_wire_init(&wire, e->rep, e->m.rep_len);
	if (bfs_stripeend_rep_get(&wire, &rep))
		return -EBADMSG;
	if (!w->grant && rep.version != w->s.version)
		return 1;
	w->written = rep.written;
	return rep.written ? 0 : -(int)rep.error;
}

/* All up to the front is there. */
static int end(struct writing *w)
{
	struct ending *e = calloc(1, sizeof(*e));
	struct bfs_plan p = w->s.plan;
	int r = e ? 0 : -ENOMEM;

	p.end = w->s.front;
	if (!r)
		r = prepare(e, w, &p);
	if (!r)
		bfs_peer_call(w->s.c->server, p.home, &e->m);
	if (!r)
		r = take_end(e, w);
	if (e)
		free(e->own);
	free(e);
	return r;
}

/* 0; 1: begin again; -errno. */
static int once(struct writing *w)
{
	int r = begin(w);

	if (!r)
		r = bfs_stripe_send(&w->s);
	/* Another writer's remains were cut: our grant holds. */
	while (!r && w->s.again && w->grant &&
	       bfs_now() < w->s.c->deadline) {
		w->s.version = w->s.again;
		r = bfs_stripe_send(&w->s);
	}
	if (r)
		return r;
	if (w->s.again && !w->grant)
		return 1;
	if (w->s.again)
		w->s.front = w->s.plan.offset;
	if (w->s.front == w->s.plan.offset && !w->grant)
		return w->s.error;
	r = end(w);
	return !r && !w->written && w->s.error ? w->s.error : r;
}

static uint64_t room_for(const struct bfs_write_req *req, uint64_t len)
{
	if (!req->room)
		return len;
	return req->offset >= req->room - 1
		       ? 0
		       : BFS_MIN(len, req->room - 1 - req->offset);
}

int bfs_stripe_write(struct bfs_call *c, const struct bfs_write_req *req,
		     struct bfs_write_rep *rep)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	uint64_t len = room_for(req, c->out_len);
	struct writing w = {
		.s = { .c = c,
		       .ino = req->handle.ino,
		       .plan = bfs_stripe_plan(
			       fs, req->handle.ino,
			       bfs_stripe_chunk_of(fs, req->handle), req->offset,
			       req->offset + len),
		       .data = c->out,
		       .flags = req->flags & (O_SYNC | O_DSYNC) }
	};
	int r = 1;

	if (!len)
		return -EFBIG;
	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	while (r == 1)
		r = bfs_now() < c->deadline ? once(&w) : -ETIMEDOUT;
	if (r)
		return r;
	rep->written = w.written;
	rep->end = req->offset + w.written;
	return 0;
}
