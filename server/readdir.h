/* SPDX-License-Identifier: BSD-3-Clause */
/* Pages of directory listings.  Owner thread only. */
#ifndef BFS_READDIR_H
#define BFS_READDIR_H

#include "server/dir.h"

/* A page of the entries that are here, into c->in.  0 or -errno. */
int bfs_readdir_part(struct bfs_call *c, struct bfs_inode *dir,
		     const struct bfs_readpart_req *req, uint32_t *eof);

#endif
