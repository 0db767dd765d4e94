/* SPDX-License-Identifier: BSD-3-Clause */
/* The frame of a turn, and the answers that wait for it.  Knows nothing of
 * files and directories. */
#include "server/journal_turn.h"

#include "core/kill.h"
#include "core/log.h"
#include "server/server.h"
#include "server/stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void bfs_journal_fail(struct bfs_journal *j, int e)
{
	if (j->failed)
		return;
	j->failed = e;
	bfs_log(error, "the journal in %s failed (%s): this daemon stops",
		j->path, strerror(-e));
	if (j->server) {
		j->server->failed = -EIO;
		j->server->stop = "the journal cannot be written";
	}
}

static bool grow(struct bfs_journal *j, size_t need)
{
	size_t cap = j->cap ? j->cap : 65536;
	void *p;

	while (cap < need)
		cap *= 2;
	p = cap > 2 * BFS_FRAME_MAX ? NULL : realloc(j->buf, cap);
	if (!p)
		return false;
	j->buf = p;
	j->cap = cap;
	return true;
}

void bfs_journal_add(struct bfs_journal *j, const struct bfs_record *r)
{
	/* with what the seal adds behind */
	size_t need = BFS_FRAME_HEAD + j->len + BFS_FRAME_RECORD_HEAD +
		      bfs_record_size(r) + 8;
	struct bfs_wire w;
	int e = need > j->cap && !grow(j, need) ? -ENOMEM : 0;

	j->changes++;
	if (!e) {
		uint8_t *at = j->buf + BFS_FRAME_HEAD + j->len;

		bfs_wire_init(&w, at, j->cap - BFS_FRAME_HEAD - j->len);
		e = bfs_frame_add(&w, r);
		if (!e)
			j->len += (size_t)(w.pos - at);
	}
	if (e)
		bfs_journal_fail(j, e);
}

/* The call is its port's again. */
static void reply(struct bfs_call *c)
{
	uint64_t since = c->stage_since;

	c->port->ops->reply(c);
	if (bfs_unlikely(since))
		bfs_stat_add(stage_reply, bfs_now() - since);
}

void bfs_call_send(struct bfs_call *c)
{
	struct bfs_journal *j = c->server->journal;

	if (!j || (!bfs_journal_pending(j) && !j->failed)) {
		reply(c);
		return;
	}
	c->next = NULL;
	*j->waiting_end = c;
	j->waiting_end = &c->next;
}

/* It did not happen: a restart will find it undone. */
static void turn_into_error(struct bfs_call *c)
{
	struct bfs_wire w;

	c->rep_len = BFS_REP_HEAD_LEN;
	c->in_len = 0;
	bfs_wire_init(&w, c->rep, BFS_REP_HEAD_LEN);
	bfs_put_rep_head(&w, &(struct bfs_rep_head){ .op = c->head.op,
						     .status = EIO,
						     .id = c->head.id });
}

void bfs_journal_send_waiting(struct bfs_journal *j)
{
	struct bfs_call *c = j->waiting, *next;

	if (!c)
		return;
	j->waiting = NULL;
	j->waiting_end = &j->waiting;
	for (; c; c = next) {
		next = c->next;
		c->next = NULL;
		if (j->failed)
			turn_into_error(c);
		reply(c);
	}
	BFS_KILL_POINT(answered);
}
