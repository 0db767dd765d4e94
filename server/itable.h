/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inodes by number: linear hashing (Litwin 1980), which grows and shrinks by a
 * bucket at a time, so that no call has to move all of them, and adding never
 * fails.  It costs 16 bytes an inode, 8 of them in the inode; uthash costs 56
 * and more, and doubles its table at once.  Owner thread only.
 */
#ifndef BFS_ITABLE_H
#define BFS_ITABLE_H

#include <stdint.h>

struct bfs_inode;

#define BFS_ITABLE_FIRST_LOG2 8
#define BFS_ITABLE_SEGMENTS 40

struct bfs_itable {
	uint64_t n;	/* inodes */
	uint64_t extra; /* buckets, above the first ones */
	struct bfs_inode *first[1u << BFS_ITABLE_FIRST_LOG2];
	/* Buckets 2^k to 2^(k+1) - 1 for k = 8, 9, ...; NULL: none of them */
	struct bfs_inode **segment[BFS_ITABLE_SEGMENTS];
};

/* All zeros is an empty one. */
void bfs_itable_add(struct bfs_itable *t, struct bfs_inode *i);
void bfs_itable_remove(struct bfs_itable *t, struct bfs_inode *i);
struct bfs_inode *bfs_itable_find(const struct bfs_itable *t, uint64_t ino);

/* Some inode, and the one behind i in an order of no meaning; NULL: none. */
struct bfs_inode *bfs_itable_first(const struct bfs_itable *t);
struct bfs_inode *bfs_itable_next(const struct bfs_itable *t,
				  const struct bfs_inode *i);
/* Each i of t; the body may remove i, but add nothing. */
#define BFS_ITABLE_EACH(t, i, following) \
	for ((i) = bfs_itable_first(t); \
	     (i) && ((following) = bfs_itable_next(t, i), 1); \
	     (i) = (following))

/* When it is empty. */
void bfs_itable_fini(struct bfs_itable *t);

#endif
