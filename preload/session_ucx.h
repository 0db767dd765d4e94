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

#endif
