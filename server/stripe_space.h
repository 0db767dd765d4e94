/* SPDX-License-Identifier: BSD-3-Clause */
/* What the home of a striped file asks of all who have a part of it.  Owner
 * thread only. */
#ifndef BFS_STRIPE_SPACE_H
#define BFS_STRIPE_SPACE_H

#include "server/stripe.h"

/* Each: 0, -errno, -BFS_NEED_FIBER; -EDOM: as for any other file. */
int bfs_stripe_seek(struct bfs_call *c, struct bfs_inode *i,
		    const struct bfs_seek_req *req, uint64_t *found);
int bfs_stripe_fallocate(struct bfs_call *c, struct bfs_inode *i,
			 const struct bfs_fallocate_req *req);

/* The blocks on other shards, as last counted. */
uint64_t bfs_stripe_blocks(const struct bfs_inode *i);
/* Is that true of a file of that size? */
bool bfs_stripe_counted(struct bfs_fs *fs, const struct bfs_inode *i,
			uint64_t size);
/* Make it so.  0; 1: it waited, walk again; -errno; -BFS_NEED_FIBER. */
int bfs_stripe_count(struct bfs_call *c, struct bfs_inode *i);
/* The others' part of fsync.  0; -errno; -BFS_NEED_FIBER.  The inode may have
 * gone meanwhile, unless somebody has it open. */
int bfs_stripe_sync(struct bfs_call *c, struct bfs_inode *i, uint32_t flags);

/* Look what there is of files that have gone; home: whose, UINT_MAX for all. */
void bfs_stripe_look(struct bfs_server *s, unsigned home);

#endif
