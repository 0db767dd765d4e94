/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files that make up arena.h share. */
#ifndef BFS_ARENA_IMPL_H
#define BFS_ARENA_IMPL_H

#include "server/arena.h"
#include "server/hash.h"

struct bfs_user_arena {
	uint32_t uid;
	int fd, empty;
	uint64_t empty_ino, key;
	struct bfs_arena *map;
	uint32_t swept; /* records of this round */
	uint32_t top;	/* one above the last of them that is in use */
	UT_hash_handle hh;
};

struct bfs_arenas {
	struct bfs_user_arena *by_uid;
	const uint8_t *secret;
	void (*made)(void *arg, uint32_t uid, int arena_fd, int empty_fd);
	void *made_arg;
	bool again; /* what the sweep's round has found so far */
	bool stored;
};

/* NULL: that user has none. */
struct bfs_user_arena *bfs_arenas_find(struct bfs_arenas *all, uint32_t uid);

/* Is that record, whose word was just read, one of a description that somebody
 * has? */
bool bfs_arenas_record_lives(const struct bfs_arenas *all,
			     const struct bfs_user_arena *a,
			     const struct bfs_desc *d, uint32_t word,
			     const struct bfs_arena_sweep *ops);

#endif
