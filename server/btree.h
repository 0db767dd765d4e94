/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A B+ tree of pointers by a number: the order of a directory's entries.  What
 * a search reads lies together, so a step down costs a cache miss or two for
 * some twenty values, and what comes next in order is known ahead.
 * Owner thread only.
 */
#ifndef BFS_BTREE_H
#define BFS_BTREE_H

#include <stdint.h>

#define BFS_BTREE_MAX 32u  /* values in a node */
#define BFS_BTREE_LEVELS 8 /* enough for 2^24 nodes a third full, and more */

struct bfs_bnode;

/* The value of that key; NULL: none. */
void *bfs_btree_get(const struct bfs_bnode *top, uint64_t key);
/* A new key, above 0.  0, -ENOMEM, -ENOSPC (too many levels). */
int bfs_btree_add(struct bfs_bnode **top, uint64_t key, void *value);
/* The key is there.  *top becomes NULL with the last one. */
void bfs_btree_remove(struct bfs_bnode **top, uint64_t key);

/* The values above a key, in order, while nothing changes. */
struct bfs_btree_iter {
	struct {
		const struct bfs_bnode *node;
		unsigned at;
	} level[BFS_BTREE_LEVELS]; /* 0 is the leaves' */
	unsigned n;		   /* of levels; 0: the end */
};
void bfs_btree_iter_init(struct bfs_btree_iter *it, const struct bfs_bnode *top,
			 uint64_t above);
/* The next value, or NULL. */
void *bfs_btree_iter_next(struct bfs_btree_iter *it);
/* The value some steps ahead of that, in a large tree and if it is near; else
 * NULL. */
void *bfs_btree_iter_peek(const struct bfs_btree_iter *it, unsigned steps);

/* For tests: how deep it is; -1 if an order or a bound is broken. */
int bfs_btree_check(const struct bfs_bnode *top);

#endif
