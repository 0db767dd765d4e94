/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may do what, as Linux has it.  Owner thread only. */
#ifndef BFS_PERM_H
#define BFS_PERM_H

#include "server/inode.h"

#define BFS_MAY_EXEC 1u
#define BFS_MAY_WRITE 2u
#define BFS_MAY_READ 4u

/* 0 or -EACCES: mask of BFS_MAY_* against mode, owner and groups. */
int bfs_perm_check(const struct bfs_cred *cred, const struct bfs_inode *i,
		   unsigned mask);
/* Its owner, or root. */
bool bfs_perm_owner(const struct bfs_cred *cred, const struct bfs_inode *i);
bool bfs_perm_in_group(const struct bfs_cred *cred, uint32_t gid);

/* 0 or -errno: may an entry be made in dir?  -ENOENT if dir is removed. */
int bfs_perm_create(const struct bfs_cred *cred, const struct bfs_inode *dir);
/*
 * 0 or -errno: may the entry of i in dir be taken away?  is_dir: as a
 * directory (rmdir), so that the kind must agree: -ENOTDIR, -EISDIR.
 */
int bfs_perm_delete(const struct bfs_cred *cred, const struct bfs_inode *dir,
		    const struct bfs_inode *i, bool is_dir);

/* Group and mode of an inode that is made in dir. */
void bfs_perm_inherit(const struct bfs_cred *cred, const struct bfs_inode *dir,
		      uint32_t *mode, uint32_t *gid);
/* The set-id bits that a write or truncate by cred takes from mode. */
uint32_t bfs_perm_write_kills(const struct bfs_cred *cred,
			      const struct bfs_inode *i);
/* The set-id bits that a change of owner takes. */
uint32_t bfs_perm_chown_kills(const struct bfs_cred *cred,
			      const struct bfs_inode *i);

#endif
