/* SPDX-License-Identifier: BSD-3-Clause */
/* A call on its way to another shard and back, and its arrival there. */
#include "core/log.h"
#include "core/stats.h"
#include "core/util.h"
#include "server/passing.h"
#include "server/peer.h"
#include "server/route.h"
#include "server/server.h"
#include "server/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One under way.  c NULL: nobody waits for the answer any more. */
struct forward {
	struct bfs_peer_msg msg;
	struct bfs_call *c;
	uint8_t body[BFS_FIELDS_MAX];
	uint8_t req[BFS_FIELDS_MAX];
	uint8_t rep[BFS_FIELDS_MAX];
};

/* The call's fields, perhaps with another place at their front. */
static int make_body(const struct bfs_call *c, struct forward *f, size_t *len)
{
	const struct bfs_where *where = &c->where;
	struct bfs_wire in, out;
	size_t rest;

	bfs_wire_init(&in, c->req + BFS_REQ_HEAD_LEN,
		      c->req_len - BFS_REQ_HEAD_LEN);
	bfs_wire_init(&out, f->body, sizeof(f->body));
	if (where->rewrite) {
		bfs_get_handle(&in);
		bfs_get_str(&in);
		bfs_put_handle(&out, where->at);
		bfs_put_str(&out,
			    (struct bfs_str){ where->path, where->path_len });
	}
	rest = (size_t)(in.end - in.pos);
	if (bfs_wire_end(&in) || (size_t)(out.end - out.pos) < rest)
		return -EBADMSG;
	memcpy(out.pos, in.pos, rest);
	*len = (size_t)(out.pos - f->body) + rest;
	return 0;
}

int bfs_route_groups(const struct bfs_call *c, uint8_t *groups, size_t *len)
{
	struct bfs_wire w;

	if (c->cred->ngroups > BFS_FORWARD_GROUPS) {
		bfs_log(warn,
			"user %u has %u groups; no more than %u are told to "
			"other nodes",
			c->cred->uid, c->cred->ngroups, BFS_FORWARD_GROUPS);
		return -EOVERFLOW;
	}
	bfs_wire_init(&w, groups, BFS_FORWARD_GROUPS * 4);
	for (uint32_t n = 0; n < c->cred->ngroups; n++)
		bfs_put_u32(&w, c->cred->groups[n]);
	*len = (size_t)(w.pos - groups);
	return 0;
}

static int encode(const struct bfs_call *c, struct forward *f)
{
	uint8_t groups[BFS_FORWARD_GROUPS * 4];
	size_t body, ngroups;
	struct bfs_forward_req req;
	struct bfs_wire w;
	int r = make_body(c, f, &body);

	if (!r)
		r = bfs_route_groups(c, groups, &ngroups);
	if (r)
		return r;
	req = (struct bfs_forward_req){
		.op = c->head.op,
		.session = c->origin.forwarded ? c->origin.session
					       : c->session->id,
		.id = c->head.id,
		.node = bfs_route_node(c),
		.pid = (uint32_t)bfs_route_pid(c),
		.uid = c->where.uid,
		.gid = c->where.gid,
		.groups = { (char *)groups, (uint32_t)ngroups },
		.hops = c->origin.forwarded ? c->origin.hops + 1 : 1,
		.links = c->where.links,
		.top = c->where.top,
		.body = { (char *)f->body, (uint32_t)body },
	};
	bfs_wire_init(&w, f->req, sizeof(f->req));
	r = bfs_forward_req_put(&w, &req);
	f->msg.req_len = (size_t)(w.pos - f->req);
	return r;
}

static int take_escape(struct bfs_call *c, const struct bfs_peer_msg *m)
{
	struct bfs_wire w;
	struct bfs_str path;

	bfs_wire_init(&w, m->rep, m->rep_len);
	if (bfs_escape_get(&w, &c->escape) ||
	    c->escape.path.len >= sizeof(c->escape_path))
		return -EBADMSG;
	path = c->escape.path;
	memcpy(c->escape_path, path.ptr, path.len);
	c->escape.path.ptr = c->escape_path;
	return -(int)BFS_ESCAPE;
}

/* The answer as it came; what it promises of descriptors is made true. */
static int take_answer(struct forward *f)
{
	struct bfs_call *c = f->c;
	const struct bfs_peer_msg *m = &f->msg;
	struct bfs_wire w;
	int r = 0;

	if (m->status == -(int)BFS_ESCAPE)
		return take_escape(c, m);
	if (m->status)
		return m->status;
	w = bfs_call_fields(c);
	if ((size_t)(w.end - w.pos) < m->rep_len)
		return -EBADMSG;
	memcpy(w.pos, m->rep, m->rep_len);
	w.pos += m->rep_len;
	bfs_call_fields_end(c, &w);
	c->in_len = m->in_len;
	if (!c->origin.forwarded)
		r = bfs_passing_take(c);
	return r;
}

/* The inode that the name led to was removed before we got there: look what
 * the name is now. */
static bool missed(const struct forward *f)
{
	return f->msg.status == -ESTALE && f->c->where.rewrite &&
	       !f->c->where.path_len;
}

static void done(struct bfs_peer_msg *m)
{
	struct forward *f = m->arg;
	struct bfs_call *c = f->c;
	int r;

	if (c) {
		c->cancel = NULL;
		c->recall = NULL;
		c->parked = NULL;
		r = missed(f) && bfs_call_again(c) ? BFS_LATER : take_answer(f);
		if (r != BFS_LATER)
			bfs_call_finish(c, r);
	}
	free(f);
}

static void cancelled(struct bfs_peer_msg *m)
{
	free(m->arg);
}

/* Tell the shard that waits for us: its answer is of no use any more. */
static void send_cancel(struct bfs_call *c)
{
	struct bfs_cancel_req cancel = { c->head.id };
	struct forward *f = calloc(1, sizeof(*f));
	struct bfs_forward_req req = {
		.op = BFS_OP_CANCEL,
		.session = c->session->id,
		.node = bfs_route_node(c),
		.pid = (uint32_t)bfs_route_pid(c),
		.uid = c->where.uid,
		.gid = c->where.gid,
		.hops = 1,
	};
	struct bfs_wire w;

	if (!f)
		return;
	bfs_wire_init(&w, f->body, sizeof(f->body));
	bfs_cancel_req_put(&w, &cancel);
	req.body = (struct bfs_str){ (char *)f->body,
				     (uint32_t)(w.pos - f->body) };
	bfs_wire_init(&w, f->req, sizeof(f->req));
	bfs_forward_req_put(&w, &req);
	f->msg = (struct bfs_peer_msg){
		.op = BFS_OP_FORWARD,
		.req = f->req,
		.req_len = (size_t)(w.pos - f->req),
		.rep = f->rep,
		.rep_cap = sizeof(f->rep),
		.deadline = bfs_now() + c->server->config.network.timeout_secs *
						1000000000ull,
		.done = cancelled,
		.arg = f,
	};
	bfs_peer_send(c->server, c->where.shard, &f->msg);
}

/* A waiting call is given up. */
static void give_up(struct bfs_call *c)
{
	struct forward *f = c->parked;

	f->c = NULL;
	c->parked = NULL;
	send_cancel(c);
}

/* The same request came again: it gets the answer. */
static void move(struct bfs_call *c, struct bfs_call *to)
{
	struct forward *f = c->parked;

	to->where = c->where;
	to->parked = f;
	c->parked = NULL;
	f->c = to;
}

bool bfs_route_waits(const struct bfs_call *c, unsigned *shard)
{
	if (c->cancel != give_up)
		return false;
	*shard = c->where.shard;
	return true;
}

static uint64_t deadline_of(const struct bfs_call *c)
{
	if (bfs_op_flags(c->head.op) == BFS_RPC_WAIT)
		return UINT64_MAX;
	if (c->deadline)
		return c->deadline;
	return bfs_now() + c->head.deadline_ms * 1000000ull;
}

int bfs_route_forward(struct bfs_call *c)
{
	struct forward *f = calloc(1, sizeof(*f));
	int r = f ? encode(c, f) : -ENOMEM;

	if (r) {
		free(f);
		return r;
	}
	f->c = c;
	f->msg.op = BFS_OP_FORWARD;
	f->msg.req = f->req;
	f->msg.out = c->out;
	f->msg.out_len = c->out_len;
	f->msg.in = c->in;
	f->msg.in_cap = c->in_cap;
	f->msg.rep = f->rep;
	f->msg.rep_cap = sizeof(f->rep);
	c->deadline = deadline_of(c);
	f->msg.deadline = c->deadline;
	f->msg.done = done;
	f->msg.arg = f;
	if (bfs_op_flags(c->head.op) == BFS_RPC_WAIT) {
		c->parked = f;
		c->cancel = give_up;
		c->recall = send_cancel;
		c->move = move;
	}
	if (!c->prev) /* else it is parked: it ran on a fiber */
		bfs_session_park(c);
	bfs_stat_add(forwards, 1);
	bfs_shards_add(&c->session->used, c->where.shard);
	bfs_peer_send(c->server, c->where.shard, &f->msg);
	return BFS_LATER;
}

int bfs_route_cred(uint32_t uid, uint32_t gid, struct bfs_str groups,
		   struct bfs_cred *cred)
{
	struct bfs_wire w;

	if (groups.len % 4 || groups.len > BFS_FORWARD_GROUPS * 4)
		return -EBADMSG;
	cred->uid = uid;
	cred->gid = gid;
	cred->ngroups = groups.len / 4;
	bfs_wire_init(&w, groups.ptr, groups.len);
	for (uint32_t n = 0; n < cred->ngroups; n++)
		cred->groups[n] = bfs_get_u32(&w);
	return bfs_wire_end(&w);
}

static int take_cred(struct bfs_call *c, const struct bfs_forward_req *req)
{
	struct bfs_origin *o = &c->origin;

	o->cred.groups = o->groups;
	c->cred = &o->cred;
	return bfs_route_cred(req->uid, req->gid, req->groups, &o->cred);
}

/*
 * A call may come by here twice on its way, and must not be taken for itself,
 * sent again: so each leg has a session of its own.
 */
uint64_t bfs_route_session(uint64_t session, uint32_t hops)
{
	return session ^ hops * 0x9e3779b97f4a7c15u;
}

int bfs_route_unwrap(struct bfs_call *c)
{
	struct bfs_origin *o = &c->origin;
	struct bfs_forward_req req;
	struct bfs_wire w;
	int r;

	bfs_wire_init(&w, c->req + BFS_REQ_HEAD_LEN,
		      c->req_len - BFS_REQ_HEAD_LEN);
	r = bfs_forward_req_get(&w, &req);
	if (!r && (req.node >= c->server->nshards || !bfs_op_known(req.op) ||
		   bfs_op_peer(req.op) || req.op == BFS_OP_HELLO))
		r = -EBADMSG;
	if (!r)
		r = take_cred(c, &req);
	if (r)
		return r;
	o->forwarded = true;
	o->head = c->head;
	o->session = req.session;
	o->hops = req.hops;
	o->links = req.links;
	o->top = req.top;
	c->head.op = req.op;
	c->head.id = req.id;
	memmove(c->req + BFS_REQ_HEAD_LEN, req.body.ptr, req.body.len);
	c->req_len = BFS_REQ_HEAD_LEN + req.body.len;
	c->session = bfs_session_far(c->server,
				     bfs_route_session(req.session, req.hops),
				     req.node, (pid_t)req.pid);
	if (!c->session)
		return -ENOMEM;
	if (bfs_op_flags(c->head.op) == BFS_RPC_PURE)
		return 0;
	return bfs_session_repeated(c);
}

/* The dispatcher has unwrapped it before it gets here. */
int bfs_serve_forward(struct bfs_call *c, const struct bfs_forward_req *req,
		      struct bfs_forward_rep *rep)
{
	return -EPROTO;
}
