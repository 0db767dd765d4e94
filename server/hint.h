/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a file whose name is on another shard was last named.  Its home does
 * not hear of every change there, so it has to be looked up before it is
 * believed.  Owner thread only.
 */
#ifndef BFS_HINT_H
#define BFS_HINT_H

#include "server/inode.h"

struct bfs_hint {
	uint64_t dir;
	uint32_t len;
	char name[];
};

/* It is named so now.  Without memory it is forgotten. */
void bfs_hint_set(struct bfs_inode *i, uint64_t dir, struct bfs_str name);
/* It is not named so any more. */
void bfs_hint_drop(struct bfs_inode *i, uint64_t dir, struct bfs_str name);
/* The directory, and the name as long as i stays as it is; or 0. */
uint64_t bfs_hint_get(const struct bfs_inode *i, struct bfs_str *name);

#endif
