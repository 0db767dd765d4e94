/* SPDX-License-Identifier: BSD-3-Clause */
/* Owner thread only. */
#ifndef BFS_SHARDS_H
#define BFS_SHARDS_H

#include <stdbool.h>
#include <stdint.h>

/* A set of shards. */
struct bfs_shards {
	uint64_t *words;
	unsigned nwords;
};
bool bfs_shards_has(const struct bfs_shards *s, unsigned shard);
/* 0 or -ENOMEM. */
int bfs_shards_add(struct bfs_shards *s, unsigned shard);
void bfs_shards_remove(struct bfs_shards *s, unsigned shard);
void bfs_shards_clear(struct bfs_shards *s);
/* The lowest one from there on, or UINT_MAX. */
unsigned bfs_shards_next(const struct bfs_shards *s, unsigned from);

#endif
