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

/*
 * The same for handlers that wait on a fiber.  fd has to stay.
 */
/* As pread, all that there is.  -EBUSY: make the plain call. */
ssize_t bfs_later_pread(struct bfs_server *s, int fd, void *buf, size_t n,
			uint64_t offset);

/*
 * A write with O_SYNC or O_DSYNC is made without, and then what it wrote is
 * synced, so that others need not wait for the disk.  wants: is it one, and is
 * there an io_uring?  Then its handler has to be on a fiber before it writes.
 */
bool bfs_later_wants_sync(const struct bfs_server *s, uint32_t oflags);
/* 0 or -errno, logged; at once for all other oflags. */
int bfs_later_sync(struct bfs_server *s, int fd, uint32_t oflags,
		   uint64_t offset, uint64_t n);

#endif
