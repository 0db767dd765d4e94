/* SPDX-License-Identifier: BSD-3-Clause */
/* The attributes that are a layout (layout_attr.h), of an inode whose home
 * this is.  own: BFS_LAYOUT_OWN_*.  Owner thread only. */
#ifndef BFS_SERVE_LAYOUT_H
#define BFS_SERVE_LAYOUT_H

#include "server/inode.h"

/* May the caller read it (write: change it)?  0 or -errno. */
int bfs_layout_check(const struct bfs_call *c, const struct bfs_inode *i,
		     bool write);
/*
 * Set it; flags as setxattr's.  Or take it away: a directory is then like the
 * one that it is in, and a file stays as it is.  0; -errno; 1: it has waited,
 * walk again; -BFS_NEED_FIBER.
 */
int bfs_layout_set(struct bfs_call *c, struct bfs_inode *i, unsigned own,
		   int flags);
int bfs_layout_unset(struct bfs_call *c, struct bfs_inode *i, unsigned own);

#endif
