/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Descriptors of data files for clients of this node: also of files whose home
 * is another daemon of the node, which has allowed it.  Owner thread only.
 */
#ifndef BFS_PASSING_H
#define BFS_PASSING_H

#include "server/serve.h"

/* The lock that says the description lives (RULES 1), for one with a slot.
 * False: it is busy or refused. */
bool bfs_passing_lock(int fd, uint32_t uid, uint32_t slot, int oflags,
		      uint64_t ino);

/* c's answer has come from a peer: if it promises a descriptor, open it, or
 * change the answer to what goes without.  0, -errno, or BFS_LATER: it is being
 * made. */
int bfs_passing_take(struct bfs_call *c);

/* On a fiber: a descriptor for DATAFD of what is not in one file on this node,
 * as the answer tells; or -errno. */
int bfs_passing_make(struct bfs_server *s, uint32_t what,
		     const struct bfs_datafd_rep *rep, uint64_t deadline);

/* Is there a life lock of that description on another daemon's data file? */
bool bfs_passing_locked(struct bfs_server *s, uint64_t ino, uint32_t uid,
			uint32_t slot);

#endif
