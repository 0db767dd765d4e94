/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/outcome.h"

#include "core/util.h"
#include "server/peer.h"
#include "server/txp.h"

#include <stdlib.h>

struct asked {
	struct bfs_peer_msg msg;
	struct bfs_server *server;
	uint64_t tx;
	bfs_outcome_fn *fn;
	uint8_t req[8], rep[16];
};

static void on_answer(struct bfs_peer_msg *m)
{
	struct asked *a = m->arg;
	struct bfs_txoutcome_rep rep = { BFS_TX_OPEN };
	struct bfs_wire w;

	bfs_wire_init(&w, m->rep, m->rep_len);
	if (m->status || bfs_txoutcome_rep_get(&w, &rep))
		rep.outcome = BFS_TX_OPEN;
	a->fn(a->server, a->tx, rep.outcome, m->status);
	free(a);
}

bool bfs_outcome_ask(struct bfs_server *s, unsigned driver, uint64_t tx,
		     uint64_t timeout, bfs_outcome_fn *fn)
{
	struct asked *a = calloc(1, sizeof(*a));
	struct bfs_wire w;

	if (!a)
		return false;
	a->server = s;
	a->tx = tx;
	a->fn = fn;
	bfs_wire_init(&w, a->req, sizeof(a->req));
	bfs_put_u64(&w, tx);
	a->msg = (struct bfs_peer_msg){ .op = BFS_OP_TXOUTCOME,
					.req = a->req,
					.req_len = sizeof(a->req),
					.rep = a->rep,
					.rep_cap = sizeof(a->rep),
					.deadline = bfs_now() + timeout,
					.unless_dead = true,
					.done = on_answer,
					.arg = a };
	bfs_peer_send(s, driver, &a->msg);
	return true;
}
