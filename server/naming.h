/* SPDX-License-Identifier: BSD-3-Clause */
/* The checks of unlink, rmdir and link, in Linux's order.  Owner thread only.
 */
#ifndef BFS_NAMING_H
#define BFS_NAMING_H

#include "server/walk.h"

/* May what the walk found be removed?  Whether a directory is empty comes last,
 * and of one here only. */
int bfs_naming_remove(const struct bfs_call *c, const struct bfs_walk *w,
		      bool dir);
/* May i get the name where the walk ended? */
int bfs_naming_link(const struct bfs_call *c, const struct bfs_walk *w,
		    const struct bfs_inode *i);

/* serve_moving.c: the same calls in a cluster, on a fiber. */
int bfs_naming_unlink_shared(struct bfs_call *c, struct bfs_walk *w, bool dir);
int bfs_naming_link_shared(struct bfs_call *c, const struct bfs_link_req *req);

#endif
