/* SPDX-License-Identifier: BSD-3-Clause */
/* The LOCK request, and the daemon's lock table.  Owner thread only. */
#ifndef BFS_SERVE_LOCK_H
#define BFS_SERVE_LOCK_H

#include "server/server.h"

/* Make s->locks; s->loop, s->fs and s->arenas are there.  0 or -ENOMEM. */
int bfs_serve_lock_start(struct bfs_server *s);
/* All sessions are gone. */
void bfs_serve_lock_stop(struct bfs_server *s);

#endif
