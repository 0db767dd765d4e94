/* SPDX-License-Identifier: BSD-3-Clause */
/* The checks of rename(2), in Linux's order.  Owner thread only. */
#ifndef BFS_RENAMING_H
#define BFS_RENAMING_H

#include "server/walk.h"

struct bfs_renaming {
	struct bfs_call *c;
	uint32_t flags;
	struct bfs_walk from, to;
};

/* Walk to both places, with these flags beside BFS_WALK_PARENT; first checks.
 */
int bfs_renaming_walk(struct bfs_renaming *n, const struct bfs_rename_req *req,
		      unsigned flags);
/* Is everything there? */
int bfs_renaming_there(const struct bfs_renaming *n);
/* May the caller?  Whether a directory to be replaced is empty comes last, and
 * of one here only. */
int bfs_renaming_rights(const struct bfs_renaming *n);
bool bfs_renaming_exchanges(const struct bfs_renaming *n);

/* serve_moving.c: in a cluster, on a fiber. */
int bfs_renaming_shared(struct bfs_renaming *n,
			const struct bfs_rename_req *req);

#endif
