/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Striped files: data in chunks on several shards, one home that has size,
 * times and the last word (docs/design/STRIPING.md).  What the handlers of
 * calls use.  Owner thread only.
 */
#ifndef BFS_STRIPE_H
#define BFS_STRIPE_H

#include "server/inode.h"

/* May nothing of the file be on other shards, or become so? */
bool bfs_stripe_untouched(const struct bfs_fs *fs, const struct bfs_inode *i);
/* Is the file striped: log2 of its chunks' size, or 0. */
unsigned bfs_stripe_chunk(const struct bfs_fs *fs, const struct bfs_inode *i);
/* ... as bits of a handle's rights. */
uint32_t bfs_stripe_right(const struct bfs_fs *fs, const struct bfs_inode *i);
/* Does that range of the handle's file concern others than its home?  False
 * for a handle that nobody of us has made. */
bool bfs_stripe_spread(const struct bfs_fs *fs, struct bfs_handle h,
		       uint64_t offset, uint64_t size);

/*
 * READ and WRITE (not O_APPEND) of such a range, by the daemon that got it from
 * its client.  As handlers; arguments have been checked against overflow.
 */
int bfs_stripe_read(struct bfs_call *c, const struct bfs_read_req *req);
int bfs_stripe_write(struct bfs_call *c, const struct bfs_write_req *req,
		     struct bfs_write_rep *rep);

/* At the home.  All are harmless for files that are not striped. */
/*
 * Before data of home's own chunks is written there at once.  0; 1: the data,
 * which is appended, concerns other shards, see bfs_stripe_append(); -errno;
 * -BFS_NEED_FIBER.  It may wait: find the inode again if c->waits changed.
 */
int bfs_stripe_admit(struct bfs_call *c, struct bfs_inode *i, uint64_t offset,
		     size_t len, bool append);
/* After it: what failed writers may have left below the new size is over. */
void bfs_stripe_wrote(struct bfs_fs *fs, struct bfs_inode *i);
int bfs_stripe_append(struct bfs_call *c, struct bfs_inode *i,
		      const struct bfs_write_req *req,
		      struct bfs_write_rep *rep);
/* Must a change of the size tell others, and so wait? */
bool bfs_stripe_reaches(struct bfs_fs *fs, struct bfs_inode *i, uint64_t size);
/* As bfs_data_truncate(), everywhere.  The inode stays meanwhile. */
int bfs_stripe_truncate(struct bfs_call *c, struct bfs_inode *i, uint64_t size);

/* The inode is freed: what others have of it goes.  And its memory does. */
void bfs_stripe_gone(struct bfs_fs *fs, struct bfs_inode *i);
void bfs_stripe_free(struct bfs_inode *i);
/* Its data file has been removed: now others are told (bfs_fs_conf.drop_far).
 */
void bfs_stripe_removed(struct bfs_fs *fs, uint64_t ino);
void bfs_stripe_drop(struct bfs_server *s, uint64_t ino);
void bfs_stripe_drops_free(struct bfs_fs *fs);
/* At the start: what others have yet to cut. */
void bfs_stripe_restore(struct bfs_server *s);
/* That daemon has started anew: what it announced has failed. */
void bfs_stripe_peer_new(struct bfs_server *s, unsigned shard);

#endif
