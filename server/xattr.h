/* SPDX-License-Identifier: BSD-3-Clause */
/* Extended attributes, kept with the inode.  Owner thread only. */
#ifndef BFS_XATTR_H
#define BFS_XATTR_H

#include "server/inode.h"

struct bfs_xattr {
	struct bfs_xattr *next;
	uint32_t size; /* of the value, behind the name */
	uint8_t len;   /* of the name */
	char name[];
};

void bfs_xattr_free_all(struct bfs_inode *i);

#endif
