/* SPDX-License-Identifier: BSD-3-Clause */
/* storage.fsync_on_close, for what no close() of a client has done.  Owner
 * thread only. */
#ifndef BFS_SYNC_H
#define BFS_SYNC_H

#include "core/wire.h"

struct bfs_server;

/* A description with BFS_RIGHT_SYNC is gone without having been closed.  h
 * comes out of shared memory and may be anything. */
void bfs_sync_closed(struct bfs_server *s, struct bfs_handle h);

#endif
