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
	uint64_t began; /* bfs_now() */
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
	uint64_t asked = bfs_now();
	int r;

	w->grant = 0;
	if (bfs_stripe_known(bfs_call_fs(c), w->s.ino, p->end, &w->s.version))
		return 0;
	r = bfs_peer_stripebegin(c->server, p->home, c->deadline, &req, &rep,
				 room);

	if (r)
		return r;
	w->s.version = rep.version;
	w->grant = rep.grant;
	if (!w->grant)
		bfs_stripe_learn(bfs_call_fs(c), w->s.ino, rep.version, p->end,
				 asked);
	return 0;
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
		   const struct bfs_plan *p, bool early)
{
	const struct bfs_call *c = w->s.c;
	struct bfs_stripeend_req req = {
		.ino = w->s.ino,
		.grant = w->grant,
		.version = w->s.version,
		.offset = p->offset,
		.size = (uint32_t)(p->end - p->offset),
		.flags = w->s.flags,
		.early = early,
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
	if (e->own) { /* once more */
		e->m.out = e->own;
		e->m.out_len = bfs_plan_bytes(p, p->home);
		return r;
	}
	return r ? r : own_pieces(e, w, p);
}

/* 0; 1: begin again; -errno. */
static int take_end(struct ending *e, struct writing *w, bool *late)
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
	*late = rep.late;
	/* As of when this call began: so that it is not believed for longer. */
	if (rep.written && rep.version == w->s.version)
		bfs_stripe_learn(bfs_call_fs(w->s.c), w->s.ino, rep.version,
				 w->s.plan.offset + rep.written, w->began);
	w->written = rep.written;
	return rep.written ? 0 : -(int)rep.error;
}

/* Below the size nothing waits for anything: all at once. */
static int overwrite(struct writing *w, struct ending *e)
{
	const struct bfs_plan *p = &w->s.plan;
	bool late = false;
	int r = prepare(e, w, p, true);

	w->s.home = &e->m;
	if (!r)
		r = bfs_stripe_send(&w->s);
	w->s.home = NULL;
	if (!r && w->s.again)
		return 1;
	if (!r)
		r = take_end(e, w, &late);
	if (!r && late) {
		r = prepare(e, w, p, false);
		if (!r)
			bfs_peer_call(w->s.c->server, p->home, &e->m);
		if (!r)
			r = take_end(e, w, &late);
	}
	if (r)
		return r;
	w->written = (uint32_t)BFS_MIN(w->written, w->s.front - p->offset);
	return w->written ? 0 : w->s.error;
}

/* All others' first; then, up to the front, it is published. */
static int extend(struct writing *w, struct ending *e)
{
	struct bfs_plan p = w->s.plan;
	bool late;
	int failed, r = bfs_stripe_send(&w->s);

	/* Another writer's remains were cut: our grant holds. */
	while (!r && w->s.again && bfs_now() < w->s.c->deadline) {
		w->s.version = w->s.again;
		r = bfs_stripe_send(&w->s);
	}
	p.end = r || w->s.again ? p.offset : w->s.front;
	if (!r)
		r = w->s.again ? -ETIMEDOUT : w->s.error;
	failed = prepare(e, w, &p, false);
	if (!failed)
		bfs_peer_call(w->s.c->server, p.home, &e->m);
	if (!failed)
		failed = take_end(e, w, &late);
	if (failed || w->written)
		return failed;
	return r ? r : -EIO;
}

/* 0; 1: begin again; -errno. */
static int once(struct writing *w)
{
	struct ending *e = calloc(1, sizeof(*e));
	int r = e ? begin(w) : -ENOMEM;

	if (!r)
		r = w->grant ? extend(w, e) : overwrite(w, e);
	if (r == 1)
		bfs_stripe_forget(bfs_call_fs(w->s.c), w->s.ino);
	if (e)
		free(e->own);
	free(e);
	return r;
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
			       bfs_stripe_chunk_of(fs, req->handle),
			       req->offset, req->offset + len),
		       .data = c->out,
		       .flags = req->flags & (O_SYNC | O_DSYNC) }
	};
	int r = 1;

	if (!len)
		return -EFBIG;
	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	w.began = bfs_now();
	while (r == 1)
		r = bfs_now() < c->deadline ? once(&w) : -ETIMEDOUT;
	if (r)
		return r;
	rep->written = w.written;
	rep->end = req->offset + w.written;
	return 0;
}
