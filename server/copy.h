/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files of other nodes in this node's memory: what programs execute, load or
 * map privately (R15).  A copy is a sealed memfd; it is kept while somebody
 * uses it and a while longer, and handed out again to whoever wants the same
 * file in the same state.  Owner thread only.
 */
#ifndef BFS_COPY_H
#define BFS_COPY_H

#include "core/proto.h"
#include "server/server.h"

/*
 * On a fiber: a new read-only descriptor of the content.  change: what tells
 * this state of the file from all others; 0: nothing does, the copy is not
 * handed out again.  -ENOMEM: the limit of memory has been reached (logged);
 * -errno.
 */
int bfs_copy_open(struct bfs_server *s, uint64_t ino, uint64_t size,
		  uint64_t change, uint64_t deadline);
/* Does anybody execute a copy of that file? */
bool bfs_copy_runs(const struct bfs_server *s, uint64_t ino);
void bfs_copies_free(struct bfs_server *s);

/* At its home: what tells the state of a file, whose attributes these are as of
 * now; 0 if it may change again without a trace. */
uint64_t bfs_copy_change(struct bfs_fs *fs, const struct bfs_attr *a);

#endif
