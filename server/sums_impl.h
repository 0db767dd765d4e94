/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files that make up sums.h share.  Errors are logged. */
#ifndef BFS_SUMS_IMPL_H
#define BFS_SUMS_IMPL_H

#include "server/hash.h"
#include "server/sums.h"

struct bfs_sums {
	uint64_t ino;
	int fd;			      /* -1: there is no file */
	bool clean;		      /* its head says so */
	uint64_t gen;		      /* of the last change */
	struct bfs_sums *prev, *next; /* least used first */
	UT_hash_handle hh;
};

/* Blocks that are read at once: nobody waits between filling and using it. */
#define BFS_SUMS_ROOM 64u
extern uint8_t bfs_sums_room[BFS_SUMS_ROOM * BFS_SUM_BLOCK];

/* errno as our answer. */
int bfs_sums_failed(const char *what, uint64_t ino);
/* Those of the file, whether there are any or not, until the next is asked
 * for.  NULL: *err. */
struct bfs_sums *bfs_sums_get(struct bfs_fs *fs, uint64_t ino, int *err);
/* Its file, if it has none.  0 or -errno. */
int bfs_sums_make(struct bfs_fs *fs, struct bfs_sums *s);
/* The head of one that changes. */
int bfs_sums_head(const struct bfs_fs *fs, struct bfs_sums *s);
/*
 * Do all changes come by us?  Descriptors of an earlier run, which had no sums,
 * may still be out: until they are closed nothing is known.
 */
bool bfs_sums_seen(struct bfs_fs *fs, uint64_t ino);
int bfs_sums_load(const struct bfs_sums *s, uint64_t first, size_t n,
		  uint64_t *sums);
/* As bfs_sum_read, of a data file: it is nobody's reading (S8). */
ssize_t bfs_sums_read(int fd, void *buf, size_t len, uint64_t offset);
/* The block as the data file has it, in the room.  0; -EIO; -errno. */
int bfs_sums_block(struct bfs_fs *fs, uint64_t ino, int fd, uint64_t block,
		   uint64_t sum);

#endif
