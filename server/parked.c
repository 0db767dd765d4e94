/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls that are answered later. */
#include "server/answer.h"
#include "server/session.h"

#include <errno.h>
#include <utlist.h>

void bfs_session_park(struct bfs_call *c)
{
	if (c->session && !c->prev)
		DL_APPEND(c->session->parked, c);
}

void bfs_session_unpark(struct bfs_call *c)
{
	if (!c->prev) /* utlist: the first one's prev is the last one */
		return;
	DL_DELETE(c->session->parked, c);
	c->prev = c->next = NULL;
}

bool bfs_session_full(const struct bfs_session *sess)
{
	const struct bfs_call *c;
	int n;

	DL_COUNT(sess->parked, c, n);
	return n >= (sess->is_peer ? BFS_PEER_WAITING_MAX : BFS_WAITING_MAX);
}

struct bfs_call *bfs_session_parked(struct bfs_session *sess, uint64_t id)
{
	struct bfs_call *c;

	DL_SEARCH_SCALAR(sess->parked, c, head.id, id);
	return c;
}

void bfs_session_abandon(struct bfs_call *c)
{
	if (c->cancel)
		c->cancel(c);
	if (c->over)
		return; /* its fiber ends it */
	bfs_session_unpark(c);
	c->session = NULL; /* so that it is not remembered */
	bfs_call_finish(c, -ECANCELED);
}

static void supersede(struct bfs_call *c);

/* by is answered when c, which does not end at once, has ended. */
static int ask_to_end(struct bfs_call *by, struct bfs_call *c)
{
	struct bfs_call *old = c->canceller;

	c->canceller = by;
	bfs_session_park(by);
	if (old)
		supersede(old);
	else if (c->recall)
		c->recall(c);
	else
		c->cancel(c);
	return BFS_LATER;
}

int bfs_session_cancel(struct bfs_call *by, uint64_t id)
{
	struct bfs_session *sess = by->session;
	struct bfs_call *c = bfs_session_parked(sess, id);

	if (c && c->cancel && (c->over || c->recall))
		return ask_to_end(by, c);
	if (c && c->cancel) {
		c->cancel(c);
		bfs_call_finish(c, -EINTR);
		return 0;
	}
	if (c || bfs_answer_find(sess, id))
		return -ENOENT;
	/* It may still be under way: then this is what it will meet. */
	return bfs_answer_keep(sess, id, EINTR, NULL, 0, false);
}

/* A call whose client waits for another one's answer. */
static void supersede(struct bfs_call *c)
{
	bfs_session_unpark(c);
	c->session = NULL; /* so that it is not remembered */
	if (c->port->ops->drop)
		c->port->ops->drop(c);
	else
		bfs_call_finish(c, -ECANCELED);
}

void bfs_session_adopt(struct bfs_call *old, struct bfs_call *c)
{
	if (old->move && !old->over) {
		c->cancel = old->cancel;
		c->move = old->move;
		c->recall = old->recall;
		c->canceller = old->canceller;
		old->canceller = NULL;
		old->move(old, c);
		bfs_session_park(c);
		supersede(old);
		return;
	}
	if (old->heir)
		supersede(old->heir);
	c->session = NULL; /* old remembers for both */
	old->heir = c;
}
