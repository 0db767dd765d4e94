/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/log.h"
#include "core/stats.h"
#include "core/tap.h"
#include "core/util.h"
#include "server/direct.h"
#include "server/fiber.h"
#include "server/hidden.h"
#include "server/journal.h"
#include "server/route.h"
#include "server/serve.h"
#include "server/server.h"
#include "server/session.h"
#include "server/stage.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Somebody replaces the name all the time, or it names what does not exist. */
#define TRIES_MAX 64

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

void bfs_call_put_head(struct bfs_call *c, uint32_t status)
{
	/* Who forwarded it waits for the answer to his own message. */
	const struct bfs_req_head *h =
		c->origin.forwarded ? &c->origin.head : &c->head;
	struct bfs_wire w;

	bfs_wire_init(&w, c->rep, BFS_REP_HEAD_LEN);
	bfs_put_rep_head(&w, &(struct bfs_rep_head){ .op = h->op,
						     .status = status,
						     .id = h->id });
}

void bfs_call_finish(struct bfs_call *c, int status)
{
	struct bfs_call *canceller = c->canceller;

	bfs_stage_pass(c, handler);
	if (c->over)
		*c->over = true;
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
	if (c->origin.forwarded && c->pass_fd >= 0) {
		close(c->pass_fd);
		c->pass_fd = -1;
	}
	bfs_call_put_head(c, (uint32_t)-status);
	if (!status)
		BFS_TAP(c->origin.forwarded ? c->origin.head.session
					    : c->head.session,
			bfs_op_name(c->head.op), true,
			c->rep + BFS_REP_HEAD_LEN,
			c->rep_len - BFS_REP_HEAD_LEN);
	bfs_session_remember(c, status);
	bfs_call_send(c);
	/* CANCEL has waited for the end, and says how it was. */
	if (canceller)
		bfs_call_finish(canceller, status == -EINTR ? 0 : -ENOENT);
}

static void end(struct bfs_call *c, int status)
{
	bfs_log(debug, "%s: %s", bfs_op_name(c->head.op), strerror(-status));
	bfs_call_finish(c, status);
}

/* The handler, if the call is to be served here. */
static int run(struct bfs_call *c)
{
	struct bfs_wire in;
	int r;

	bfs_wire_init(&in, c->req + BFS_REQ_HEAD_LEN,
		      c->req_len - BFS_REQ_HEAD_LEN);
	r = bfs_hidden_first(c);
	if (r == BFS_HIDDEN_DONE)
		return 0;
	if (!r)
		r = bfs_route(c);
	if (!r)
		r = steps[c->head.op](c, &in);
	if (r == -BFS_ELSEWHERE && bfs_direct_came(c))
		return -EREMOTE; /* the client can do that by itself */
	return r == -BFS_ELSEWHERE ? bfs_route_forward(c) : r;
}

/* The handler once more, from its first line. */
static void run_on_fiber(void *arg)
{
	struct bfs_call *c = arg;
	struct bfs_session *held = c->held;
	bool over = false;
	int r;

	c->over = &over;
	c->rep_len = 0;
	c->in_len = 0;
	r = run(c);
	if (r != BFS_LATER)
		end(c, r);
	else if (!over) /* from now on it is parked as any other */
		c->over = NULL;
	bfs_session_release(held);
}

const struct bfs_call *bfs_call_on_fiber(void)
{
	return bfs_fiber_arg(run_on_fiber);
}

static uint64_t deadline_of(const struct bfs_call *c)
{
	if (bfs_op_flags(c->head.op) == BFS_RPC_WAIT)
		return UINT64_MAX;
	return bfs_now() + c->head.deadline_ms * 1000000ull;
}

static void start_fiber(struct bfs_call *c)
{
	int r;

	if (!c->deadline)
		c->deadline = deadline_of(c);
	c->held = bfs_session_hold(c->session);
	bfs_session_park(c);
	r = bfs_fiber_run(run_on_fiber, c);
	if (!r)
		return;
	bfs_log(error, "%s: no memory to wait in", bfs_op_name(c->head.op));
	bfs_session_release(c->held);
	bfs_call_finish(c, r);
}

bool bfs_call_again(struct bfs_call *c)
{
	if (!c->session || c->tries++ == TRIES_MAX || bfs_now() >= c->deadline)
		return false;
	start_fiber(c);
	return true;
}

/* May whoever sent it ask for this? */
static int check_sender(const struct bfs_call *c)
{
	if (!bfs_op_peer(c->head.op) || c->peer >= 0)
		return 0;
	if (c->head.op == BFS_OP_PEERHELLO && c->port->ops->peers)
		return 0;
	bfs_log(warn, "%s refused: it comes from a client",
		bfs_op_name(c->head.op));
	return -EPERM;
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
	c->peer = -1;
	c->deadline = 0;
	c->via = 0;
	c->waits = 0;
	c->tries = 0;
	c->reopens = false;
	c->origin.forwarded = false;
	c->origin.links = 0;
	c->origin.top = 0;
	bfs_stage_begin(c);
	bfs_stat_add(requests, 1);
	if (c->server->busy)
		c->server->busy(c->server);
	r = bfs_wire_end(&in);
	if (!r && !bfs_op_known(c->head.op))
		r = -ENOSYS;
	if (!r)
		BFS_TAP(c->head.session, bfs_op_name(c->head.op), false,
			c->req + BFS_REQ_HEAD_LEN,
			c->req_len - BFS_REQ_HEAD_LEN);
	if (!r)
		r = bfs_session_admit(c);
	if (!r)
		r = check_sender(c);
	if (!r && c->head.op == BFS_OP_FORWARD)
		r = bfs_route_unwrap(c);
	if (!r && c->head.op == BFS_OP_VIA)
		r = bfs_direct_unwrap(c);
	if (r == BFS_SESSION_REPLAYED)
		return;
	if (!r)
		r = bfs_journal_admit(c);
	bfs_stage_pass(c, queue);
	/* Not on the stack of who asks, if that is a fiber: it may have more
	 * to do than to wait. */
	if (!r)
		r = bfs_fiber_self() ? -BFS_NEED_FIBER : run(c);
	if (r == BFS_LATER)
		return;
	if (r == -BFS_NEED_FIBER)
		start_fiber(c);
	else
		end(c, r);
}
