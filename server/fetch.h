/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Content of any file of the cluster for the daemon's own use: its calls go the
 * way of a client's.  From a fiber.  Owner thread only.
 */
#ifndef BFS_FETCH_H
#define BFS_FETCH_H

#include "core/proto.h"
#include "server/server.h"

/* Up to len bytes at offset: how many there are, fewer only at the end of the
 * file; or -errno. */
ssize_t bfs_fetch(struct bfs_server *s, uint64_t ino, void *buf, size_t len,
		  uint64_t offset, uint64_t deadline);
/* Somebody has read the file, from what was fetched: its home sees to the
 * atime, unless it takes too long. */
void bfs_fetch_noted(struct bfs_server *s, uint64_t ino, uint64_t deadline);
/* Where the next data, or hole, at or behind offset begins; limit: none. */
int bfs_fetch_seek(struct bfs_server *s, uint64_t ino, int whence,
		   uint64_t limit, uint64_t *offset, uint64_t deadline);
int bfs_fetch_attr(struct bfs_server *s, uint64_t ino, struct bfs_attr *a,
		   uint64_t deadline);

#endif
