/* SPDX-License-Identifier: BSD-3-Clause */
/* The connection over UCX, which stands on a local one. */
#ifndef BFS_SESSION_UCX_H
#define BFS_SESSION_UCX_H

#include "core/transport.h"

/*
 * Load the module, connect to the daemon whose address lies in the run
 * directory, and join the session of the local connection.
 */
int bfs_ucx_dial(const struct bfs_transport *local, uint64_t deadline,
		 struct bfs_transport **t);

/* The same to a daemon of another node, as the node's has told; once, for no
 * longer than that. */
int bfs_ucx_dial_far(const struct bfs_direct_rep *to, uint32_t ms,
		     struct bfs_transport **t);

#endif
