/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which shard has which piece of a range of a striped file: chunk n lies on the
 * shard n places behind the file's home.  Any thread.
 */
#ifndef BFS_STRIPE_PLAN_H
#define BFS_STRIPE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bfs_plan {
	unsigned home, nshards;
	unsigned chunk; /* log2 of its size */
	uint64_t offset, end;
};

struct bfs_piece {
	uint64_t offset, len;
};

/*
 * The shard's next piece behind *at, in at; the first one if *at is all 0.
 * False: that was the last.
 */
bool bfs_plan_next(const struct bfs_plan *p, unsigned shard,
		   struct bfs_piece *at);
/* All of the shard's pieces. */
uint64_t bfs_plan_bytes(const struct bfs_plan *p, unsigned shard);
/* Does the shard have all of the range? */
bool bfs_plan_whole(const struct bfs_plan *p, unsigned shard);
/* Where the shard's pieces reach when done bytes of them are used up; the end
 * of the range: all. */
uint64_t bfs_plan_front(const struct bfs_plan *p, unsigned shard,
			uint64_t done);

/* The shard's pieces out of data, which is the whole range, one behind the
 * other; and back, of which only so many bytes came. */
void bfs_plan_gather(const struct bfs_plan *p, unsigned shard,
		     const uint8_t *data, uint8_t *out);
void bfs_plan_scatter(const struct bfs_plan *p, unsigned shard, uint8_t *data,
		      const uint8_t *in, size_t len);

#endif
