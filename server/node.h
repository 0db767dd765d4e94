/* SPDX-License-Identifier: BSD-3-Clause */
/* Making inodes with their first name.  Owner thread only. */
#ifndef BFS_NODE_H
#define BFS_NODE_H

#include "server/walk.h"

struct bfs_node {
	uint32_t mode; /* with the type */
	uint64_t rdev;
	struct bfs_str target; /* of a symlink */
	int flags; /* to open a regular file's data file with: data.h */
	int fd;	   /* that open, owned by the caller; else -1 */
};

/*
 * Make what n says for cred, owner and group as dir wants them, without a
 * name.  NULL and *err = -errno.
 */
struct bfs_inode *bfs_node_make(struct bfs_fs *fs, const struct bfs_cred *cred,
				const struct bfs_inode *dir, struct bfs_node *n,
				int *err);
/* The same, entered where the walk (BFS_WALK_PARENT or _CREATE) ended. */
struct bfs_inode *bfs_node_enter(struct bfs_fs *fs, const struct bfs_cred *cred,
				 const struct bfs_walk *w, struct bfs_node *n,
				 int *err);
/* Take an entry away, and its inode with its last name. */
void bfs_node_leave(struct bfs_fs *fs, struct bfs_dentry *d);
/* An inode has lost a name. */
void bfs_node_dropped(struct bfs_fs *fs, struct bfs_inode *i);

#endif
