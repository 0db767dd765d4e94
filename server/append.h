/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Appends that a kill meets.  Where one begins is in the log before its data is
 * written.  A restart that finds no answer to it takes away what there is of
 * it, and the client, who asks again, has it done once (D1, F2).  Nothing that
 * came behind it can have been acknowledged: answers wait for the log as well.
 * Owner thread only.
 */
#ifndef BFS_APPEND_H
#define BFS_APPEND_H

#include "server/inode.h"

/* What is noted in the place of its answer. */
struct bfs_append {
	uint64_t ino, offset, end; /* the range that it may take */
	uint64_t boot;		   /* of the machine, in which it began */
};

/*
 * c is about to append len bytes or less to a file of that size.  While
 * somebody may write to it past us nothing is noted, for nobody knows where
 * they will be: then a kill may have it done twice.  0 or -errno.
 */
int bfs_append_begins(struct bfs_call *c, struct bfs_inode *i, uint64_t size,
		      uint64_t len);
/* So much of it is written, up to there; later: others may be served before
 * its answer is made. */
void bfs_append_done(struct bfs_call *c, uint32_t written, uint64_t end,
		     bool later);
/* Nothing of it is, and others may be served before it is answered so. */
void bfs_append_failed(struct bfs_call *c, int status);
/* At the start: this one has no answer. */
void bfs_append_undo(struct bfs_fs *fs, const struct bfs_append *a);

#endif
