/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data of placeholders: through daemons, in pieces that a message holds.
 * As read(2) and write(2): bytes moved or -errno.
 */
#ifndef BFS_TRANSFER_H
#define BFS_TRANSFER_H

#include "preload/fd.h"

#include <sys/types.h>

ssize_t bfs_transfer_read(struct bfs_desc *d, void *buf, size_t n,
			  uint64_t offset);
/* *end: the offset behind the data. */
ssize_t bfs_transfer_write(struct bfs_desc *d, const void *buf, size_t n,
			   uint64_t offset, unsigned flags, uint64_t *end);

#endif
