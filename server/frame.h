/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the log looks on disk.  A segment is a file: a head, then frames.  A
 * frame holds the records of one turn, which take effect together or not at
 * all: it is whole, as its checksums tell, or it never was.  All little-endian.
 * Any thread.
 */
#ifndef BFS_FRAME_H
#define BFS_FRAME_H

#include "server/record.h"

#define BFS_SEGMENT_FORMAT 2u
#define BFS_SEGMENT_HEAD 128u
#define BFS_FRAME_HEAD 40u
#define BFS_FRAME_MAX (64u << 20)
#define BFS_FRAME_RECORD_HEAD 8u /* length, kind | gone << 31 */

struct bfs_segment_head {
	uint64_t cluster;
	uint32_t shard;
	uint64_t number, first; /* of the segment; of its first frame */
	uint64_t boot[2];	/* of the kernel that wrote it */
};

struct bfs_frame_head {
	uint32_t len; /* of the records behind it */
	uint64_t seq;
	uint64_t synced; /* the last frame known to be on disk by then */
};

void bfs_segment_put(uint8_t buf[BFS_SEGMENT_HEAD],
		     const struct bfs_segment_head *h);
/* 0; -EPROTO: another format; -EBADMSG. */
int bfs_segment_get(const uint8_t buf[BFS_SEGMENT_HEAD],
		    struct bfs_segment_head *h);

/* Fill in the head before h->len bytes of records. */
void bfs_frame_seal(uint8_t *frame, const struct bfs_frame_head *h);

enum bfs_frame_state {
	BFS_FRAME_WHOLE,
	BFS_FRAME_SHORT, /* the bytes end within it */
	BFS_FRAME_BAD,
};
enum bfs_frame_state bfs_frame_check(const uint8_t *p, size_t left,
				     struct bfs_frame_head *h);

/* Frames begin at multiples of 8. */
static inline size_t bfs_frame_size(uint32_t len)
{
	return (BFS_FRAME_HEAD + (size_t)len + 7) & ~(size_t)7;
}

/*
 * The records of a frame that is whole, one after the other: fn's first error,
 * or -EBADMSG for a record that cannot be read, or 0.
 */
int bfs_frame_records(const uint8_t *body, uint32_t len,
		      int (*fn)(void *arg, const struct bfs_record *r),
		      void *arg);
/* Append a record at w: 0 or -EBADMSG (no room). */
int bfs_frame_add(struct bfs_wire *w, const struct bfs_record *r);

/* The id of the running kernel's boot: pages in memory are as old as that. */
int bfs_boot_id(uint64_t id[2]);

#endif
