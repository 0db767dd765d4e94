/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Quotas (D4, EDQUOT): how much each user's files, and all of them, may take.
 * Each daemon allows its share of what is set for the cluster, for the inodes
 * whose home it is and the data that lies with it.  Root has no quota of its
 * own.  Users are counted only while there is one for them.  Owner thread only.
 */
#ifndef BFS_QUOTA_H
#define BFS_QUOTA_H

#include "server/inode.h"

/* What is set for n daemons, as each one's share. */
struct bfs_quota bfs_quota_share(const struct bfs_quota *all, unsigned n);

/* Count all users anew: as often as one likes. */
void bfs_quota_count(struct bfs_fs *fs);
void bfs_quota_free(struct bfs_fs *fs);

/* May the user have one inode more?  0 or -EDQUOT. */
int bfs_quota_admit(const struct bfs_fs *fs, uint32_t uid);
/* Blocks of 512 bytes that count for the user. */
uint64_t bfs_quota_blocks(const struct bfs_fs *fs, uint32_t uid);
/* A file that others store as well is to end there: would that be more, from
 * its size on, than its owner has left? */
bool bfs_quota_over(const struct bfs_fs *fs, const struct bfs_inode *i,
		    uint64_t size, uint64_t end);

/* An inode comes, goes, or is another user's: by it, of uid. */
void bfs_quota_came(struct bfs_fs *fs, const struct bfs_inode *i);
void bfs_quota_went(struct bfs_fs *fs, const struct bfs_inode *i);
/* Its blocks were so many, and are what it says. */
void bfs_quota_moved(struct bfs_fs *fs, const struct bfs_inode *i,
		     uint64_t blocks);

#endif
