/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a file's inode and data lie.  A directory's layout is that of what is
 * made in it from now on; a file's never changes once it has data.  Any thread.
 */
#ifndef BFS_LAYOUT_H
#define BFS_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

enum bfs_policy {
	/* The inode on its entry's shard, chunk n on the shard n places behind
	 * it. */
	BFS_POLICY_STRIPE,
	/* All on one shard, of the node that made it. */
	BFS_POLICY_LOCAL,
	/* All with its inode, on its entry's shard. */
	BFS_POLICY_WHOLE,
	BFS_POLICIES
};

/* As the settings and attributes have them. */
static inline const char *bfs_policy_name(unsigned policy)
{
	static const char *const names[] = { [BFS_POLICY_STRIPE] = "stripe",
					     [BFS_POLICY_LOCAL] = "local",
					     [BFS_POLICY_WHOLE] = "whole" };

	return policy < BFS_POLICIES ? names[policy] : "unknown";
}

/* Chunks are powers of two: 64 KiB, 4 MiB, 1 GiB. */
#define BFS_CHUNK_LOG2_MIN 16u
#define BFS_CHUNK_LOG2_DEFAULT 22u
#define BFS_CHUNK_LOG2_MAX 30u

/* What was set on this very inode, not inherited. */
#define BFS_LAYOUT_OWN_POLICY 1u
#define BFS_LAYOUT_OWN_CHUNK 2u

/* Two bytes of every inode. */
struct bfs_layout {
	uint8_t policy; /* enum bfs_policy */
	uint8_t chunk_log2 : 6;
	uint8_t own : 2; /* BFS_LAYOUT_OWN_* */
};

/* Of what is made in a directory that has this one. */
static inline struct bfs_layout bfs_layout_below(struct bfs_layout l)
{
	l.own = 0;
	return l;
}

static inline uint64_t bfs_layout_chunk(struct bfs_layout l)
{
	return UINT64_C(1) << l.chunk_log2;
}

/* For the journal and the wire. */
static inline uint32_t bfs_layout_pack(struct bfs_layout l)
{
	return l.policy | (uint32_t)l.chunk_log2 << 8 | (uint32_t)l.own << 16;
}

/* False: nobody has packed that. */
static inline bool bfs_layout_unpack(struct bfs_layout *l, uint32_t packed)
{
	uint32_t policy = packed & 0xff, chunk = packed >> 8 & 0xff;

	*l = (struct bfs_layout){ .policy = (uint8_t)policy,
				  .chunk_log2 = chunk & 63,
				  .own = packed >> 16 & 3 };
	return policy < BFS_POLICIES && chunk >= BFS_CHUNK_LOG2_MIN &&
	       chunk <= BFS_CHUNK_LOG2_MAX && packed >> 18 == 0;
}

#endif
