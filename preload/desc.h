/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arenas that this process has been given, and their records, as desc.c
 * and fd.c share them.
 */
#ifndef BFS_DESC_H
#define BFS_DESC_H

#include "preload/fd.h"

/* One for each user that this process has been, at each of the daemons that
 * it has open files of. */
#define BFS_ARENAS 16

struct bfs_arena_map {
	struct bfs_arena *map;
	int empty_fd;
	uint64_t empty_ino;
};

extern struct bfs_arena_map bfs_arenas[BFS_ARENAS];
extern _Atomic int bfs_arena_current; /* -1: none yet */

/* Which of them has the record. */
unsigned bfs_desc_arena(const struct bfs_desc *d);
/* The one whose placeholders re-open that memfd, or -1. */
int bfs_arena_find(uint64_t empty_ino);
/* Is it no descriptor's of this process?  (fd.c) */
bool bfs_arena_unused(unsigned a);
/* The record in that use is free, unless it is in another by now. */
void bfs_desc_free(struct bfs_desc *d, uint32_t word);

#endif
