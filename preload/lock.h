/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * File locks.  On a passed-through descriptor they are the kernel's own, on
 * the data file that all processes of the node share; else the daemon's.
 */
#ifndef BFS_PRELOAD_LOCK_H
#define BFS_PRELOAD_LOCK_H

#include "core/arena.h"

#include <fcntl.h>

int bfs_lock_fcntl(int fd, struct bfs_desc *d, int cmd, struct flock *f);
/* POSIX: any close of a file drops the process's locks on it. */
void bfs_lock_closing(int fd);

#endif
