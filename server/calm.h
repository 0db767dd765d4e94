/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calm files: nobody has the data file open or mapped, so its size and times
 * are what they were, and stat need not look (inode->calm).  Whatever can
 * change it goes through bfs_data_open, bfs_data_get, _chmod or _utimens, or is
 * BFS_OPEN_SELF: each ends the calm.  Only where one daemon is alone: others of
 * the node open data files without asking.  Owner thread only.
 */
#ifndef BFS_CALM_H
#define BFS_CALM_H

#include "server/inode.h"

/* What stat says of a calm file. */
static inline void bfs_calm_sizes(const struct bfs_inode *i, struct bfs_attr *a)
{
	a->size = i->file.size;
	a->blocks = (i->file.size + 4095) / 4096 * 8;
}

/* stat has just looked: is it calm from now on? */
void bfs_calm_try(struct bfs_fs *fs, struct bfs_inode *i);
/* It has been opened, and will soon be closed, most likely. */
void bfs_calm_later(struct bfs_fs *fs, const struct bfs_inode *i);
/* Those are looked at by bfs_fs_calm_some(). */

#endif
