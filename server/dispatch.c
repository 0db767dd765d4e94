/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/log.h"
#include "core/stats.h"
#include "core/util.h"
#include "server/journal.h"
#include "server/serve.h"
#include "server/server.h"
#include "server/session.h"

#include <errno.h>
#include <string.h>

typedef int step_fn(struct bfs_call *c, struct bfs_wire *in);

/* For each RPC: decode, call the typed handler, encode. */
#define RPC(num, NAME, name, flags, reqf, repf) \
	static int step_##name(struct bfs_call *c, struct bfs_wire *in) \
	{ \
		struct bfs_##name##_req req; \
		struct bfs_##name##_rep rep; \
		struct bfs_wire out; \
		int r; \
\
		memset(&rep, 0, sizeof(rep)); \
		r = bfs_##name##_req_get(in, &req); \
		if (!r) \
			r = bfs_serve_##name(c, &req, &rep); \
		if (r) \
			return r; \
		out = bfs_call_fields(c); \
		r = bfs_##name##_rep_put(&out, &rep); \
		bfs_call_fields_end(c, &out); \
		return r; \
	}
#include "core/proto.def"
#undef RPC

static step_fn *const steps[] = {
#define RPC(num, NAME, name, flags, req, rep) [BFS_OP_##NAME] = step_##name,
#include "core/proto.def"
#undef RPC
};

struct bfs_wire bfs_call_fields(struct bfs_call *c)
{
	struct bfs_wire w;

	bfs_wire_init(&w, c->rep + BFS_REP_HEAD_LEN,
		      BFS_FIELDS_MAX - BFS_REP_HEAD_LEN);
	return w;
}

void bfs_call_fields_end(struct bfs_call *c, const struct bfs_wire *w)
{
	c->rep_len = (size_t)(w->pos - c->rep);
}

static void put_escape(struct bfs_call *c)
{
	struct bfs_wire w = bfs_call_fields(c);

	bfs_escape_put(&w, &c->escape);
	bfs_call_fields_end(c, &w);
}

void bfs_call_finish(struct bfs_call *c, int status)
{
	struct bfs_wire w;

	bfs_session_unpark(c);
	if (status)
		c->rep_len = BFS_REP_HEAD_LEN;
	if (c->rep_len < BFS_REP_HEAD_LEN)
		c->rep_len = BFS_REP_HEAD_LEN;
	if (status == -(int)BFS_ESCAPE)
		put_escape(c);
	else if (status)
		bfs_stat_add(errors, 1);
	if (status)
		c->in_len = 0;
	bfs_wire_init(&w, c->rep, BFS_REP_HEAD_LEN);
	bfs_put_rep_head(&w,
			 &(struct bfs_rep_head){ .op = c->head.op,
						 .status = (uint32_t)-status,
						 .id = c->head.id });
	bfs_session_remember(c, status);
	bfs_call_send(c);
}

void bfs_serve(struct bfs_call *c)
{
	struct bfs_wire in;
	int r;

	bfs_wire_init(&in, c->req, c->req_len);
	c->head = bfs_get_req_head(&in);
	c->rep_len = 0;
	c->in_len = 0;
	c->pass_fd = -1;
	if (c->server->journal)
		c->changes = c->server->journal->changes;
	bfs_stat_add(requests, 1);
	if (c->server->busy)
		c->server->busy(c->server);
	r = bfs_wire_end(&in);
	if (!r && (c->head.op >= BFS_COUNT(steps) || !steps[c->head.op]))
		r = -ENOSYS;
	if (!r)
		r = bfs_session_admit(c);
	if (r == BFS_SESSION_REPLAYED)
		return;
	if (!r)
		r = steps[c->head.op](c, &in);
	if (r == BFS_LATER)
		return;
	bfs_log(debug, "%s: %s", bfs_op_name(c->head.op), strerror(-r));
	bfs_call_finish(c, r);
}
