/* SPDX-License-Identifier: BSD-3-Clause */
/* Up the tree, whosever directories they are.  Owner thread only. */
#ifndef BFS_CLIMB_H
#define BFS_CLIMB_H

#include "server/inode.h"

/* The directory, fit to be used now.  0; -errno; -BFS_NEED_FIBER. */
int bfs_climb(struct bfs_call *c, uint64_t ino, struct bfs_inode **dir);
/* Is above the directory itself or somewhere above it?  1, 0, or as before. */
int bfs_climb_above(struct bfs_call *c, uint64_t dir, uint64_t above);

#endif
