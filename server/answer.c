/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

unsigned bfs_answer_slot(const struct bfs_session *sess, uint64_t id)
{
	return id % (sess->is_peer ? BFS_PEER_SLOTS : BFS_REMEMBERED);
}

/* What is at its place, or NULL. */
static const struct bfs_answer *look(const struct bfs_session *sess,
				     uint64_t id)
{
	unsigned i = bfs_answer_slot(sess, id);

	return i < sess->nanswers ? sess->answers[i] : NULL;
}

/* The place of an answer, or NULL: no memory. */
static struct bfs_answer **place(struct bfs_session *sess, uint64_t id)
{
	unsigned i = bfs_answer_slot(sess, id), n = BFS_REMEMBERED;
	struct bfs_answer **more;

	while (n <= i)
		n *= 2;
	if (n <= sess->nanswers)
		return &sess->answers[i];
	more = realloc(sess->answers, n * sizeof(*more));
	if (!more)
		return NULL;
	memset(more + sess->nanswers, 0, (n - sess->nanswers) * sizeof(*more));
	sess->answers = more;
	sess->nanswers = n;
	return &more[i];
}

const struct bfs_answer *bfs_answer_find(const struct bfs_session *sess,
					 uint64_t id)
{
	const struct bfs_answer *a = look(sess, id);

	return a && a->id == id ? a : NULL;
}

bool bfs_answer_lost(const struct bfs_session *sess, uint64_t id)
{
	const struct bfs_answer *a = look(sess, id);

	return a && a->id > id;
}

int bfs_answer_keep(struct bfs_session *sess, uint64_t id, uint32_t status,
		    const void *fields, size_t len, bool passed)
{
	struct bfs_answer **at = place(sess, id);
	struct bfs_answer *a = at ? *at : NULL;

	if (!at)
		return -ENOMEM;
	/* A slow one comes late: if it is asked for again it is lost, which is
	 * said; what would be done again is the later one. */
	if (a && a->id > id)
		return 0;
	if (!a || a->cap < len) {
		a = realloc(a, sizeof(*a) + len);
		if (!a)
			return -ENOMEM;
		a->cap = (uint32_t)len;
		*at = a;
	}
	a->id = id;
	a->status = status;
	a->passed = passed;
	a->made = 0;
	a->len = (uint32_t)len;
	if (len)
		memcpy(a->fields, fields, len);
	return 0;
}

int bfs_answer_keep_made(struct bfs_session *sess, uint64_t id, uint64_t ino)
{
	int r = bfs_answer_keep(sess, id, 0, NULL, 0, false);
	struct bfs_answer **at = r ? NULL : place(sess, id);

	if (at && (*at)->id == id)
		(*at)->made = ino;
	return r;
}

void bfs_answer_free_all(struct bfs_session *sess)
{
	for (unsigned i = 0; i < sess->nanswers; i++)
		free(sess->answers[i]);
	free(sess->answers);
}
