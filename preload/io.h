/* SPDX-License-Identifier: BSD-3-Clause */
/* What reading and writing by buffer and by vector share. */
#ifndef BFS_IO_H
#define BFS_IO_H

#include "preload/fd.h"

#include <sys/types.h>

/* May the description be read or written?  refused: the access mode that may
 * not.  0 or -errno, as the kernel has it. */
int bfs_io_check(const struct bfs_desc *d, unsigned refused, int dir_error);

/* Count what went by a descriptor that is passed through; returns n. */
ssize_t bfs_io_count_read(ssize_t n);
ssize_t bfs_io_count_write(ssize_t n);

#endif
