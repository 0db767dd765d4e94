/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/answer.h"

#include <errno.h>
#include <string.h>

const struct bfs_answer *bfs_answer_find(const struct bfs_session *sess,
					 uint64_t id)
{
	const struct bfs_answer *a = sess->answers[id % BFS_REMEMBERED];

	return a && a->id == id ? a : NULL;
}

bool bfs_answer_lost(const struct bfs_session *sess, uint64_t id)
{
	const struct bfs_answer *a = sess->answers[id % BFS_REMEMBERED];

	return a && a->id > id;
}

int bfs_answer_keep(struct bfs_session *sess, uint64_t id, uint32_t status,
		    const void *fields, size_t len, bool passed)
{
	struct bfs_answer **at = &sess->answers[id % BFS_REMEMBERED];
	struct bfs_answer *a = *at;

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
	a->len = (uint32_t)len;
	if (len)
		memcpy(a->fields, fields, len);
	return 0;
}

void bfs_answer_free_all(struct bfs_session *sess)
{
	for (size_t i = 0; i < BFS_REMEMBERED; i++)
		free(sess->answers[i]);
}
