/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the log: what jlog_read.c tells jlog.c.  Owner thread only. */
#ifndef BFS_JLOG_IMPL_H
#define BFS_JLOG_IMPL_H

#include "server/jlog.h"

#define BFS_SEGMENT_NAME 24
void bfs_segment_name(char name[BFS_SEGMENT_NAME], uint64_t number);

struct bfs_segment {
	uint64_t number;
	size_t size;
};

/* Where a log ended. */
struct bfs_jlog_end {
	struct bfs_segment *seg; /* nseg of them, ascending; allocated */
	size_t nseg;
	uint64_t seq; /* of the last frame */
	/* Cut off there, and all later segments; UINT64_MAX: nowhere. */
	uint64_t cut_segment;
	size_t cut;
	bool other_boot; /* of the machine wrote some of it */
};

int bfs_jlog_scan(const struct bfs_jlog_conf *conf, uint64_t after,
		  uint64_t last, bfs_jlog_frame_fn *fn, void *arg,
		  struct bfs_jlog_end *end);

#endif
