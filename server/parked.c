/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls that are answered later. */
#include "server/answer.h"
#include "server/session.h"

#include <errno.h>
#include <utlist.h>

void bfs_session_park(struct bfs_call *c)
{
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
	return n >= BFS_WAITING_MAX;
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
	bfs_session_unpark(c);
	c->session = NULL; /* so that it is not remembered */
	bfs_call_finish(c, -ECANCELED);
}

int bfs_session_cancel(struct bfs_session *sess, uint64_t id)
{
	struct bfs_call *c = bfs_session_parked(sess, id);

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
	if (old->move) {
		c->cancel = old->cancel;
		c->move = old->move;
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
