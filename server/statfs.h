/* SPDX-License-Identifier: BSD-3-Clause */
/* Owner thread only. */
#ifndef BFS_STATFS_H
#define BFS_STATFS_H

#include "server/inode.h"

/* What this shard has.  *disk tells file systems apart.  0 or -errno. */
int bfs_statfs_here(struct bfs_fs *fs, struct bfs_statfs_rep *rep,
		    uint64_t *disk);

#endif
