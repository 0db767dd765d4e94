/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls on data files that io_uring works for.  Owner thread only. */
#ifndef BFS_LATER_H
#define BFS_LATER_H

#include "server/data.h"

/*
 * Each: 0, the call is parked and will be answered (return BFS_LATER); d keeps
 * a reference of its own.  -EBUSY, -ENOMEM: make the plain call.
 */

/* Read up to size bytes at offset into c->in; c->in_len are there already. */
int bfs_later_read(struct bfs_call *c, uint64_t ino, struct bfs_fdref *d,
		   size_t size, uint64_t offset);

#endif
