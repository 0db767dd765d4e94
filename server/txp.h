/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The participants' side of changes on several shards: what a change has taken
 * here, and what it is to do.  driver: the shard that drives it, which may be
 * our own.  Owner thread only.
 *
 * What has been taken is given up by bfs_txp_end(), or, if the driver does not
 * know of the change any more, by the sweep.
 */
#ifndef BFS_TXP_H
#define BFS_TXP_H

#include "server/inode.h"

enum bfs_tx_outcome { BFS_TX_UNKNOWN, BFS_TX_DECIDED, BFS_TX_OPEN };

/* Each as the message of that name in proto.def: 0, -errno, -BFS_NEED_FIBER.
 * They may wait, until the call's deadline. */
int bfs_txp_entry(struct bfs_call *c, unsigned driver,
		  const struct bfs_txentry_req *req,
		  struct bfs_txentry_rep *rep);
int bfs_txp_tree(struct bfs_call *c, unsigned driver, uint64_t tx);
int bfs_txp_inode(struct bfs_call *c, unsigned driver,
		  const struct bfs_txinode_req *req,
		  struct bfs_txinode_rep *rep);
int bfs_txp_dir(struct bfs_call *c, unsigned driver,
		const struct bfs_txdir_req *req);
/* Does not wait. */
int bfs_txp_prepare(struct bfs_fs *fs, unsigned driver,
		    const struct bfs_txprepare_req *req);
/* Does that change hold anything here still? */
bool bfs_txp_holds(const struct bfs_fs *fs, uint64_t tx);
/* Harmless if tx is not known here: it has ended. */
void bfs_txp_end(struct bfs_fs *fs, uint64_t tx, bool commit);

/* At the start: what was promised before.  0 or -ENOMEM. */
int bfs_txp_restore(struct bfs_fs *fs, uint64_t tx, unsigned driver,
		    struct bfs_str changes);

/*
 * Is a change promised here of what stat tells of that inode, whose home we
 * are?  It may have been acknowledged already, by a driver that cannot reach
 * us.  await: until there is none.  0; 1: it waited, look again; -errno;
 * -BFS_NEED_FIBER.
 */
bool bfs_txp_promised(const struct bfs_fs *fs, const struct bfs_inode *i);
int bfs_txp_await(struct bfs_call *c, const struct bfs_inode *i);

/* Ask after those that have been here for long.  True: call again soon. */
bool bfs_txp_sweep(struct bfs_server *s);
/* That shard has started anew: ask it at once after those that it drove. */
void bfs_txp_peer_new(struct bfs_server *s, unsigned shard);
void bfs_txp_free_all(struct bfs_fs *fs);

#endif
