/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the daemon's time goes, for node.stage_times: counters of stats.def, in
 * nanoseconds.  A call is in the queue from when its port looked at what had
 * come, with its handler from there until the answer is made (its waits for
 * other daemons and for locks count), and being answered until that is sent (it
 * waits for the journal's frame of the turn).  What handlers spend with data
 * files is counted once more as storage, and the writing of frames as journal.
 * Owner thread only.
 */
#ifndef BFS_STAGE_H
#define BFS_STAGE_H

#include "core/stats.h"
#include "core/util.h"
#include "server/serve.h"

extern bool bfs_stages; /* are they counted? */

/* Now; 0: not counted, and what began then is not either. */
static inline uint64_t bfs_stage_now(void)
{
	return bfs_unlikely(bfs_stages) ? bfs_now() : 0;
}

/* A call comes from its port. */
static inline void bfs_stage_begin(struct bfs_call *c)
{
	uint64_t now = bfs_stage_now();

	c->stage_since = now && c->port->looked ? c->port->looked : now;
	if (now)
		bfs_stat_add(stage_calls, 1);
}

/* The call leaves that stage for the next one. */
#define bfs_stage_pass(c, stage) \
	do { \
		if (bfs_unlikely((c)->stage_since)) { \
			uint64_t now_ = bfs_now(); \
			bfs_stat_add(stage_##stage, now_ - (c)->stage_since); \
			(c)->stage_since = now_; \
		} \
	} while (0)

static inline void bfs_stage_storage_end(const uint64_t *since)
{
	if (bfs_unlikely(*since))
		bfs_stat_add(stage_storage, bfs_now() - *since);
}

static inline void bfs_stage_journal_end(const uint64_t *since)
{
	if (bfs_unlikely(*since))
		bfs_stat_add(stage_journal, bfs_now() - *since);
}

/* The rest of this block is storage, or the journal. */
#define BFS_STAGE_SCOPE(stage) \
	uint64_t stage_since_ \
		__attribute__((cleanup(bfs_stage_##stage##_end), unused)) = \
			bfs_stage_now()

#endif
