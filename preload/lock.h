/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * File locks.  A description with BFS_RIGHT_LOCK has the daemon's; the others
 * have the kernel's own, on the data file that all processes of the node share
 * (RULES 36).
 */
#ifndef BFS_PRELOAD_LOCK_H
#define BFS_PRELOAD_LOCK_H

#include "core/arena.h"

#include <fcntl.h>
#include <stdbool.h>

int bfs_lock_fcntl(int fd, struct bfs_desc *d, int cmd, struct flock *f);
/* POSIX: any close of a file drops the process's locks on it. */
void bfs_lock_closing(int fd);

/*
 * Across exec the process keeps its locks, but for those on files of which it
 * closes a descriptor.  to_drop: may the daemon have locks that a close of
 * this description drops?  closed: it was closed, behind that handle.
 */
bool bfs_lock_to_drop(const struct bfs_desc *d);
void bfs_lock_closed(struct bfs_handle h);
/* The inodes with locks of this process, as a set of hashes; a child of fork
 * has none. */
uint64_t bfs_lock_inodes(void);
void bfs_lock_set_inodes(uint64_t inodes);

#endif
