/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared mappings that may be stored into, of files that are not passed
 * through: what is stored lies with the node's daemon, which takes it to where
 * the file is when it is told to (msync, munmap), and sooner or later anyway.
 * Any thread.
 */
#ifndef BFS_MAPPED_H
#define BFS_MAPPED_H

#include "core/proto.h"

#include <stdbool.h>

/* Is there, or was there, any? */
extern _Atomic unsigned bfs_mapped_count;

void bfs_mapped_add(const void *start, size_t len, struct bfs_handle h);
/* What was stored into mappings in the range goes home, and is on disk there if
 * flags say so (FSYNC).  all: into all of them.  0 or the first -errno. */
int bfs_mapped_sync(const void *start, size_t len, unsigned flags);
int bfs_mapped_sync_all(unsigned flags);
/* The range is not mapped any more. */
void bfs_mapped_remove(const void *start, size_t len);

#endif
