/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The checkpoint: what closed segments of the log say, in an LMDB file beside
 * them, by record key.  A process of its own puts it there, so that the loop
 * does not wait; then the segments go.  Owner thread only.
 */
#ifndef BFS_CHECKPOINT_H
#define BFS_CHECKPOINT_H

#include "server/jlog.h"

struct bfs_journal;

/*
 * Each record of the checkpoint; *after: the last frame that is in it, 0 if
 * there is none.  0; -EUCLEAN; -errno; fn's error.
 */
int bfs_checkpoint_load(const struct bfs_jlog_conf *conf, uint64_t *after,
			int (*fn)(void *arg, const struct bfs_record *r),
			void *arg);

/* Put the segments up to number `last` into it.  0 or -errno, logged. */
int bfs_checkpoint_apply(const struct bfs_jlog_conf *conf, uint64_t last);

/* The same for a journal that is open. */
int bfs_journal_checkpoint(struct bfs_journal *j, uint64_t last);

/* The log is long enough: see to it. */
void bfs_checkpoint_due(struct bfs_journal *j);
/* A sync of the log failed: have a checkpoint of what it holds, at once. */
void bfs_checkpoint_heal(struct bfs_journal *j);
/* At the start: are there many segments? */
void bfs_checkpoint_begin(struct bfs_journal *j);
/* The journal is closing. */
void bfs_checkpoint_end(struct bfs_journal *j);

/* main of the process that is started for it: its exit status. */
int bfs_checkpoint_main(const char *dir, const char *cluster, const char *shard,
			const char *last, const char *parent);

#endif
