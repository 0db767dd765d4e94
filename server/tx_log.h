/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes on several shards in the journal: what a participant has promised,
 * and what a driver has decided, so that a restart finishes them (CLUSTER.md).
 * Without a journal none of this does anything.  Owner thread only.
 */
#ifndef BFS_TX_LOG_H
#define BFS_TX_LOG_H

#include "server/inode.h"

struct bfs_tx;

/* Our part is promised; it has ended. */
void bfs_tx_log_part(struct bfs_fs *fs, uint64_t tx, unsigned driver,
		     struct bfs_str changes);
void bfs_tx_log_part_gone(struct bfs_fs *fs, uint64_t tx);
/* We have decided, and that is in the log when this returns.  0 or -errno. */
int bfs_tx_log_decision(const struct bfs_tx *t);

/* At the start, before anybody can call: hold again what is promised, make
 * what we have decided ourselves. */
void bfs_tx_log_restore(struct bfs_server *s);

#endif
