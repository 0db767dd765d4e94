/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the home of a directory asks of the shards that have a part in it.  All
 * return at once where there are none.  Owner thread only.
 */
#ifndef BFS_HOME_H
#define BFS_HOME_H

#include "server/inode.h"

/* What another shard's part has added, as it said last. */
struct bfs_part {
	uint32_t subdirs;
	struct timespec mtime, ctime;
	uint64_t version; /* a later one's is higher */
};
struct bfs_part bfs_part_of(const struct bfs_inode *i);
/* A part's answer, into the directory's own times and link count.  One that a
 * later one has overtaken is not taken. */
int bfs_part_take(struct bfs_fs *fs, struct bfs_inode *dir, unsigned shard,
		  const struct bfs_part *p);

/*
 * The directory's times and link count become true.  0; -errno;
 * -BFS_NEED_FIBER; 1 if it waited: walk again, and do not gather again.
 */
int bfs_home_gather(struct bfs_call *c, struct bfs_inode *i);

/*
 * Nobody has a copy any more, nor gets one until tx gives it up (hold.h): the
 * directory may be changed.  *entries (if not NULL): are there any on other
 * shards?  Then each holder must answer, else those that are dead are passed
 * over.  0; -errno, and nothing is held (-EAGAIN: entries are wanted, and some
 * are held); -BFS_NEED_FIBER; 1: somebody else had it, walk again.
 */
int bfs_home_revoke(struct bfs_call *c, struct bfs_inode *i, uint64_t tx,
		    bool *entries);

/* A number for a change: never used before by anybody. */
uint64_t bfs_home_tx(struct bfs_fs *fs);

#endif
