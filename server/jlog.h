/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The journal's log: segments in one directory, of which the last is written.
 * Space is taken in advance, so that a frame that was announced fits.
 * Errors are logged here, callers do not.  Owner thread only.
 */
#ifndef BFS_JLOG_H
#define BFS_JLOG_H

#include "server/frame.h"

#include <sys/types.h>

struct bfs_jlog;

struct bfs_jlog_conf {
	int dir;	  /* a descriptor; the caller's */
	const char *path; /* its name, for messages */
	uint64_t cluster;
	uint32_t shard;
};

/* A frame of the log, in order.  0 or -errno, which ends the reading. */
typedef int bfs_jlog_frame_fn(void *arg, const struct bfs_frame_head *h,
			      const uint8_t *body);

/*
 * Read what is behind frame `after`, which a checkpoint holds, and begin a
 * new segment.  A torn tail is cut off.  0; -EUCLEAN, damage was found;
 * -EPROTO; -errno.
 */
int bfs_jlog_open(struct bfs_jlog **l, const struct bfs_jlog_conf *conf,
		  uint64_t after, bfs_jlog_frame_fn *fn, void *arg);
void bfs_jlog_close(struct bfs_jlog *l);

/*
 * Only reading, as the one who makes a checkpoint does: segments up to number
 * `last`.  0 or as above.
 */
int bfs_jlog_read(const struct bfs_jlog_conf *conf, uint64_t after,
		  uint64_t last, bfs_jlog_frame_fn *fn, void *arg);

/* Room for so many bytes of frames, beyond a reserve that only what frees
 * space may use: 0 or -ENOSPC, and nothing is logged. */
int bfs_jlog_room(struct bfs_jlog *l, size_t bytes, bool frees);
/* Write a frame (bfs_frame_size(len) bytes at frame, head not filled in). */
int bfs_jlog_append(struct bfs_jlog *l, uint8_t *frame, uint32_t len);

/* The last frame that was written, and the last that is on disk. */
uint64_t bfs_jlog_seq(const struct bfs_jlog *l);
uint64_t bfs_jlog_synced(const struct bfs_jlog *l);
/* Was it written before this boot of the machine, some of it? */
bool bfs_jlog_rebooted(const struct bfs_jlog *l);
/* Descriptor to sync, and what to say when a sync begun at seq is done. */
int bfs_jlog_fd(const struct bfs_jlog *l);
void bfs_jlog_set_synced(struct bfs_jlog *l, uint64_t seq);

/* Is it time for another segment? */
bool bfs_jlog_full(const struct bfs_jlog *l);
/* Sync this segment and begin the next.  0 and the number of the one that is
 * closed now, or -errno: it goes on in the old one. */
int bfs_jlog_rotate(struct bfs_jlog *l, uint64_t *closed);
/* Remove the segments up to that number, which a checkpoint holds. */
void bfs_jlog_drop(struct bfs_jlog *l, uint64_t number);
/* The last segment that is closed, 0: none; and are there more than n, or
 * more bytes than a segment has? */
uint64_t bfs_jlog_closed(const struct bfs_jlog *l);
bool bfs_jlog_many(const struct bfs_jlog *l, size_t n);
/* What is to be kept free in that directory, in bytes. */
size_t bfs_jlog_reserve(int dir);
/* For tests: another segment after so many bytes. */
void bfs_jlog_set_limit(struct bfs_jlog *l, size_t limit);

#endif
