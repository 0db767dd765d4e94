/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Data files made ahead.  To make one takes the kernel longer than all that the
 * daemon does for a creation itself; so while files are created one after the
 * other, the next ones' are made while the client is busy with the last one.
 * There are none before there is such a stream, and none when the daemon
 * sleeps.  A kill leaves empty files, which the next start removes.
 * Owner thread only.
 */
#ifndef BFS_SPARE_H
#define BFS_SPARE_H

#include "server/fs.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define BFS_SPARES 8u

struct bfs_spares {
	struct bfs_spare {
		uint64_t ino;
		struct timespec at; /* bfs_fs_now() of then */
	} spare[BFS_SPARES];	    /* n of them; the oldest is the first */
	unsigned n, want;
	uint64_t created;      /* bfs_now() of the last creation */
	struct timespec taken; /* of the one that was taken last */
};

/* A regular file is created: the number of a data file that is there already,
 * or 0. */
uint64_t bfs_spare_take(struct bfs_fs *fs);
/* Would the one that was taken last have other times if it were made now? */
bool bfs_spare_is_old(const struct bfs_fs *fs);

/* There is time to make one.  False: no more are wanted. */
bool bfs_spare_make(struct bfs_fs *fs);
/* Remove what nobody took. */
void bfs_spare_drop(struct bfs_fs *fs);

#endif
