/* SPDX-License-Identifier: BSD-3-Clause */
/* The answer of the ucx port. */
#include "core/log.h"
#include "core/util.h"
#include "server/server.h"
#include "server/ucx_impl.h"

#include <errno.h>
#include <string.h>
#include <utlist.h>

#define GREET_NS 50000u /* between attempts: each wakes the socket */
#define GREET_WAKE_NS 1000000u

static void on_replied(void *req, ucs_status_t status, void *arg)
{
	struct bfs_ucx_call *c = arg;

	ucp_request_free(req);
	DL_DELETE(bfs_ucx_call_port(c)->busy, c);
	bfs_ucx_call_put(c);
}

/* A refusal of HELLO has no peer yet to go to. */
static void find_way_back(struct bfs_ucx_call *c)
{
	struct bfs_str address;

	if (!c->peer &&
	    (c->call.head.op == BFS_OP_HELLO ||
	     c->call.head.op == BFS_OP_PEERHELLO) &&
	    bfs_ucx_hello_address(c, &address))
		bfs_ucx_peer_new(c, address);
}

/* 1: UCX has it; 0: it is out, or nobody is left to take it; or -errno. */
static int send_reply(struct bfs_ucx_call *c)
{
	struct bfs_ucx_msg m = {
		.id = BFS_UCX_REPLY,
		.head = { .fields_len = (uint32_t)c->call.rep_len,
			  .bulk_len = (uint32_t)c->call.in_len,
			  .slot = c->slot },
		.fields = c->rep,
		.bulk = c->call.in,
		.done = on_replied,
		.arg = c,
	};
	int r;

	if (!c->peer || !c->peer->ep)
		return 0;
	m.at_once = !c->peer->met;
	r = bfs_ucx_send(&c->door->ucx, c->peer->ep, &m);
	if (r >= 0)
		c->peer->met = true;
	return r;
}

/* It is as if its connection had ended: a client that waits for an answer comes
 * back by a new one and asks again (F2); a daemon asks again by itself. */
static void give_up(struct bfs_ucx_call *c, int r)
{
	if (c->peer->failed)
		return;
	bfs_log(warn, "ucx: session %016llx: reply not sent: %s",
		(unsigned long long)c->peer->session, strerror(-r));
	if (!c->peer->daemon)
		bfs_ucx_peer_fail(c->peer);
}

/* False: it has to be tried again. */
static bool reply(struct bfs_ucx_call *c)
{
	int r = send_reply(c);

	if (r == -EAGAIN || r == -ENOMEM)
		return false;
	if (r < 0)
		give_up(c, r);
	if (r > 0)
		bfs_ucx_call_busy(c);
	else
		bfs_ucx_call_put(c);
	return true;
}

int bfs_ucx_greet(struct bfs_port_ucx *p)
{
	struct bfs_ucx_call *c, *next, *queue = p->greeting;
	uint64_t now;
	int n = 0;

	if (!queue || (now = bfs_now()) < p->greet_at)
		return 0;
	p->greet_at = now + GREET_NS;
	p->greeting = NULL;
	DL_FOREACH_SAFE(queue, c, next)
	{
		DL_DELETE(queue, c);
		if (c->peer->daemon && c->expires <= now) /* others: sweep */
			bfs_ucx_call_put(c);
		else if (reply(c))
			n++;
		else
			DL_APPEND(p->greeting, c);
	}
	if (p->greeting)
		bfs_loop_timer(p->server->loop, &p->greet, now + GREET_WAKE_NS);
	return n;
}

void bfs_ucx_reply(struct bfs_call *call)
{
	struct bfs_ucx_call *c = bfs_ucx_call_of(call);

	if (call->pass_fd >= 0)
		close(call->pass_fd); /* only the local port passes them */
	call->pass_fd = -1;
	find_way_back(c);
	if (!reply(c))
		bfs_ucx_call_keep(c, &bfs_ucx_call_port(c)->greeting);
}
