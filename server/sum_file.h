/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The format of a file of sums, sums/<2 hex>/<16 hex ino> below the data
 * directory: a head, and then for each block of the data file of that name its
 * xxh3, as it is with zeros behind the end of the file.  The seed is the
 * block's place, so that blocks that have changed places show.  0: not known.
 * Numbers are as the machine has them.  Any thread.
 */
#ifndef BFS_SUM_FILE_H
#define BFS_SUM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BFS_SUM_BLOCK 4096u
#define BFS_SUM_HEAD 64u
#define BFS_SUM_DIR "sums"

/* Of a block with these len bytes at its front, and zeros: never 0. */
uint64_t bfs_sum_of(uint64_t ino, uint64_t block, const void *data, size_t len);

/* Where the sum of a block is; how many a file of that size has. */
static inline uint64_t bfs_sum_at(uint64_t block)
{
	return BFS_SUM_HEAD + block * sizeof(uint64_t);
}

static inline uint64_t bfs_sum_count(uint64_t size)
{
	return size > BFS_SUM_HEAD ? (size - BFS_SUM_HEAD) / sizeof(uint64_t)
				   : 0;
}

/* The blocks of a data file. */
static inline uint64_t bfs_sum_blocks(uint64_t size)
{
	return size / BFS_SUM_BLOCK + (size % BFS_SUM_BLOCK != 0);
}

struct bfs_sum_head {
	uint64_t ino;
	uint64_t boot[2]; /* in which the last change was begun */
	/* Data and sums have been synced, and nothing has changed since.  If
	 * not, and that boot is over, no sum is known. */
	bool clean;
};

/* Write: 0 or -errno.  Read: 0; 1: that is no head; -errno. */
int bfs_sum_head_write(int fd, const struct bfs_sum_head *h);
int bfs_sum_head_read(int fd, struct bfs_sum_head *h);

/* All of it: what was read, fewer at the end; 0 when written; -errno. */
ssize_t bfs_sum_read(int fd, void *buf, size_t len, uint64_t offset);
int bfs_sum_write(int fd, const void *buf, size_t len, uint64_t offset);

#endif
