/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Data files that this process opens itself (BFS_OPEN_SELF): it may, since they
 * are its user's, and the daemon is spared from passing them.  Any thread.
 */
#ifndef BFS_SELF_OPEN_H
#define BFS_SELF_OPEN_H

#include "core/rpc.h"
#include "preload/fd.h"

#define BFS_SELF_CANNOT (-EXDEV)

/*
 * Open the data file that d describes, by the connection t which has said so:
 * the descriptor, ours and d's from now on; -errno; or BFS_SELF_CANNOT, if it
 * is the daemon who has to do it after all.
 */
int bfs_self_open(const struct bfs_transport *t, struct bfs_desc *d, int flags);
/* Then: rep is as of OPEN, and r->io.fd the descriptor.  0 or -errno. */
int bfs_self_take(struct bfs_rpc *r, const struct bfs_desc *d, int flags,
		  struct bfs_open_rep *rep);

#endif
