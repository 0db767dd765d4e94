/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes on several shards on their way to disk (R24).  Each shard that has a
 * part in one knows who the others are, from the promise until the driver says
 * that it is on disk everywhere: so fsync knows whose logs have to be synced,
 * and who has lost his part with his power is given it again.  The driver sees
 * to that every second or so: it syncs its own log, with the decision, then has
 * the others sync theirs, and only then forgets the decision and lets them
 * forget.  Without a journal none of this does anything.  Owner thread only.
 */
#ifndef BFS_SETTLE_H
#define BFS_SETTLE_H

#include "server/inode.h"
#include "server/shards.h"

struct bfs_change;
struct bfs_tx;

/* We promise these changes; with: the other shards, u32 each. */
void bfs_settle_promised(struct bfs_fs *fs, uint64_t tx, unsigned driver,
			 struct bfs_str with, struct bfs_str changes);
/* It does not happen, or is on disk everywhere. */
void bfs_settle_end(struct bfs_fs *fs, uint64_t tx);
/* Have we a part in it? */
bool bfs_settle_known(const struct bfs_fs *fs, uint64_t tx);

/* We drive it, and have decided. */
void bfs_settle_decided(const struct bfs_tx *t);
bool bfs_settle_is_decided(const struct bfs_fs *fs, uint64_t tx);
/* That shard has made its part. */
void bfs_settle_heard(struct bfs_fs *fs, uint64_t tx, unsigned shard);
/* That shard has started anew: it may have lost what it had made. */
void bfs_settle_peer_new(struct bfs_server *s, unsigned shard);
/* A TXREDO for one that knows nothing of it; false: there is none to be sent.
 */
bool bfs_settle_put_redo(const struct bfs_fs *fs, uint64_t tx,
			 struct bfs_wire *w);

/* Does one concern that inode, or an entry of that directory?  Add its other
 * shards.  0, or 1 if there are any; -ENOMEM. */
int bfs_settle_parties(const struct bfs_fs *fs, uint64_t ino,
		       struct bfs_shards *shards);

/* At the start: what the journal tells. */
void bfs_settle_restore(struct bfs_server *s);
/* Once a second while there is something: true, call again. */
bool bfs_settle_sweep(struct bfs_server *s);
void bfs_settle_free_all(struct bfs_fs *fs);

/* The shards of a set, u32 each; returns how many bytes. */
#define BFS_WITH_MAX (BFS_TX_SHARDS_MAX * 4)
#define BFS_TX_SHARDS_MAX 16
struct bfs_str bfs_settle_with(const struct bfs_shards *shards, unsigned more,
			       unsigned but, uint8_t buf[BFS_WITH_MAX]);

#endif
