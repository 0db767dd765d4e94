/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/checkpoint.h"

#include "server/journal.h"

int bfs_checkpoint_load(const struct bfs_jlog_conf *conf, uint64_t *after,
			int (*fn)(void *arg, const struct bfs_record *r),
			void *arg)
{
	*after = 0;
	return 0;
}

void bfs_checkpoint_due(struct bfs_journal *j)
{
}

void bfs_checkpoint_end(struct bfs_journal *j)
{
}
