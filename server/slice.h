/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A long write is made in slices, between which others are served (F1): twice
 * as long as they took, if others come all the time, as does who makes one call
 * after the other.  It is
 * one all the same for all that go through the daemon: whoever is about to look
 * at the file, or to change it, has the rest of it made first, at once.  So at
 * any time one write at most is under way, and no call of its file overtakes
 * it (RULES 26).  Those who are at the data file itself may see a part of it,
 * as they may of a write of the kernel's; nobody may write there.
 * Owner thread only.
 */
#ifndef BFS_SLICE_H
#define BFS_SLICE_H

#include "server/inode.h"

#include <stddef.h>

#ifdef BFS_FAULTS /* a test that kills between them */
#define BFS_SLICE 600u
#else
#define BFS_SLICE (32u << 10)
#endif

struct bfs_fiber;

struct bfs_slicing {
	uint64_t ino;
	int fd;
	const char *buf; /* as bfs_call.out */
	size_t len, done;
	uint64_t offset; /* unless it appends */
	bool append;
	int error; /* 0; -errno: why it is not all of them */
	/* All is written that will be; nobody else has been at the file. */
	void (*over)(struct bfs_slicing *w);
	struct bfs_fiber *fiber; /* bfs_slice_write's own */
	bool resumed;
	struct bfs_slicing *next;
};

struct bfs_slices {
	struct bfs_slicing *now;  /* under way, or NULL */
	struct bfs_slicing *over; /* their fibers are to go on (utlist LL) */
	uint64_t left;		  /* bfs_now(), when others got their turn */
	uint64_t took;		  /* what was made then, in ns */
	uint64_t served, came;	  /* calls of all, and when the last came */
};

/* 0 or -errno; without it all writes are whole. */
int bfs_slices_new(struct bfs_server *s);
/* What is under way is done.  NULL in s->fs is fine. */
void bfs_slices_free(struct bfs_server *s);

/* On a fiber, which waits for the end: sets done and error. */
void bfs_slice_write(struct bfs_fs *fs, struct bfs_slicing *w);
/* The rest of what is under way, now. */
void bfs_slice_finish(const struct bfs_fs *fs);

/* Is a write of that length worth it? */
static inline bool bfs_slice_wants(const struct bfs_fs *fs, size_t len)
{
	return fs->slices && len > 2 * BFS_SLICE;
}

static inline bool bfs_slice_busy(const struct bfs_fs *fs)
{
	return fs->slices && fs->slices->now;
}

/* Before anything is seen or changed of that inode's data. */
static inline void bfs_slice_settle(const struct bfs_fs *fs, uint64_t ino)
{
	if (bfs_slice_busy(fs) && fs->slices->now->ino == ino)
		bfs_slice_finish(fs);
}

/* So much space it may take that is not accounted yet. */
static inline uint64_t bfs_slice_takes(const struct bfs_fs *fs)
{
	return bfs_slice_busy(fs) ? fs->slices->now->len : 0;
}

#endif
