/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's side of a change on several shards (docs/design/CLUSTER.md).
 * All on a fiber.  Owner thread only.
 *
 *   bfs_tx_begin(&tx, c);
 *   r = bfs_tx_entry(&tx, ...); ...      take what is needed, and look at it
 *   if (!r)
 *           bfs_tx_add(&tx, ...); ...    what is to happen
 *   return bfs_tx_end(&tx, r);           it happens, or (r) nothing does
 */
#ifndef BFS_TX_H
#define BFS_TX_H

#include "server/change.h"
#include "server/shards.h"
#include "server/txp.h"

struct bfs_tx {
	uint64_t id;
	struct bfs_call *c;
	struct bfs_shards with; /* other shards that hold something for it */
	struct bfs_change changes[BFS_CHANGES_MAX];
	unsigned n;
	bool durable;  /* it concerns an inode that may be on disk (R24) */
	uint64_t made; /* the inode that the call makes, or 0 */
	struct bfs_tx *prev, *next; /* in fs->driving */
};

void bfs_tx_begin(struct bfs_tx *t, struct bfs_call *c);

/* Each: 0 or -errno.  Entries are to be taken in the order of
 * bfs_tx_before(), the tree before them, directories after. */
int bfs_tx_entry(struct bfs_tx *t, uint64_t dir, struct bfs_str name,
		 struct bfs_txentry_rep *rep);
int bfs_tx_tree(struct bfs_tx *t);
int bfs_tx_inode(struct bfs_tx *t, uint64_t ino, struct bfs_txinode_rep *rep);
/* -EAGAIN: somebody is at work in it; give up everything, and try again. */
int bfs_tx_dir(struct bfs_tx *t, uint64_t ino, bool empty);
bool bfs_tx_before(const struct bfs_fs *fs, uint64_t dir_a,
		   struct bfs_str name_a, uint64_t dir_b,
		   struct bfs_str name_b);

/* The strings stay until the end. */
void bfs_tx_add(struct bfs_tx *t, struct bfs_change ch);
int bfs_tx_end(struct bfs_tx *t, int r);

/* Was it decided, and somebody has not heard yet? */
bool bfs_tx_decided(const struct bfs_fs *fs, uint64_t tx);
/* At the start: that shard is to be told of what we have decided. */
void bfs_tx_again(struct bfs_server *s, uint64_t tx, unsigned shard);
/* That shard has started anew: what it has to be told is told now. */
void bfs_tx_peer_new(struct bfs_server *s, unsigned shard);

/* We stop: nobody is told any more (they will ask). */
void bfs_tx_stop(struct bfs_server *s);

/* After -EAGAIN: wait a short, random time.  0 or -ETIMEDOUT. */
int bfs_tx_pause(struct bfs_call *c);

#endif
