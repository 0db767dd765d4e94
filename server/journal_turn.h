/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the journal: what its files tell each other.  Owner thread only. */
#ifndef BFS_JOURNAL_TURN_H
#define BFS_JOURNAL_TURN_H

#include "server/journal.h"

/* The log cannot be written: nothing is acknowledged any more, and the daemon
 * stops, since what it has in memory is not what a restart would find. */
void bfs_journal_fail(struct bfs_journal *j, int e);
/* The answers that have waited go out, as errors if the journal failed. */
void bfs_journal_send_waiting(struct bfs_journal *j);

/* Backing files that may go: the log has a frame more; more of it is on disk
 * (removals.c). */
void bfs_removals_logged(struct bfs_journal *j);
void bfs_removals_synced(struct bfs_journal *j);
/* What a failed sync may have lost is in a checkpoint. */
void bfs_journal_healed(struct bfs_journal *j);
/* Have the log on disk before this returns.  0 or -errno. */
int bfs_journal_sync_now(struct bfs_journal *j);

#endif
