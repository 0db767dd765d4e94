/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which shard holds a directory entry: a consistent-hash ring with virtual
 * nodes.  It depends on the ordered names of the members and on nothing else,
 * so that all who agree on the list agree on every entry.  Immutable once made:
 * any thread.
 */
#ifndef BFS_PLACE_H
#define BFS_PLACE_H

#include "core/util.h"
#include "core/wire.h"

#define BFS_PLACE_MAX 65535 /* a shard is 16 bits of an inode number */

struct bfs_place {
	unsigned n;    /* members */
	unsigned bits; /* the ring is cut into 2^bits buckets */
	uint32_t npoints;
	uint32_t *first;  /* of each bucket, and one behind the last */
	uint32_t *points; /* in the ring's order: place in bucket, shard */
};

/*
 * In the order of members: runs of digits compare as numbers (node_2 before
 * node_10), other bytes as they are.  0 only for equal names.
 */
int bfs_place_order(const char *a, const char *b);

/*
 * The ring of n members, copied from names.  0, -ENOMEM, or -EINVAL if they
 * are not strictly in order or are not 1 to BFS_PLACE_MAX.
 */
int bfs_place_new(struct bfs_place **out, const char *const *names, unsigned n);
void bfs_place_free(struct bfs_place *p);

unsigned bfs_place_find(const struct bfs_place *p, uint64_t dir_ino,
			struct bfs_str name);

/* The shard of the entry (directory, name).  p may be NULL: one daemon. */
static inline unsigned bfs_place_entry(const struct bfs_place *p,
				       uint64_t dir_ino, struct bfs_str name)
{
	if (!p || p->n == 1)
		return 0;
	return bfs_place_find(p, dir_ino, name);
}

#endif
