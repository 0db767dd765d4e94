/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Extended attributes, kept with the inode, with Linux's limits and errors.
 * Owner thread only.
 */
#ifndef BFS_XATTR_H
#define BFS_XATTR_H

#include "server/inode.h"

#define BFS_XATTR_VALUE_MAX 65536u
#define BFS_XATTR_LIST_MAX 65536u

struct bfs_xattr {
	struct bfs_xattr *next;
	uint32_t size; /* of the value, which is behind the name */
	uint8_t len;   /* of the name */
	char name[];
};

/* 0 or -errno: is name a name, and may cred read or write it on i? */
int bfs_xattr_check(const struct bfs_cred *cred, const struct bfs_inode *i,
		    struct bfs_str name, bool write);

struct bfs_xattr *bfs_xattr_find(const struct bfs_inode *i,
				 struct bfs_str name);
const void *bfs_xattr_value(const struct bfs_xattr *x);
/* flags: XATTR_CREATE, XATTR_REPLACE.  0 or -errno. */
int bfs_xattr_set(struct bfs_fs *fs, struct bfs_inode *i, struct bfs_str name,
		  const void *value, size_t size, int flags);
int bfs_xattr_remove(struct bfs_fs *fs, struct bfs_inode *i,
		     struct bfs_str name);
/* Is it in cred's lists?  trusted.* is root's secret. */
bool bfs_xattr_visible(const struct bfs_cred *cred, const struct bfs_xattr *x);

void bfs_xattr_free_all(struct bfs_inode *i);

#endif
