/* SPDX-License-Identifier: BSD-3-Clause */
/* The LOCK request, and the daemon's lock table.  Owner thread only. */
#ifndef BFS_SERVE_LOCK_H
#define BFS_SERVE_LOCK_H

#include "server/lock.h"
#include "server/server.h"

/* Make s->locks; s->loop, s->fs and s->arenas are there.  0 or -ENOMEM. */
int bfs_serve_lock_start(struct bfs_server *s);
/* The locks that the journal has. */
void bfs_serve_lock_restore(struct bfs_server *s);
/* All sessions are gone. */
void bfs_serve_lock_stop(struct bfs_server *s);

/* The call goes to another shard, which does not know the arenas here: as the
 * user who opened the description. */
int bfs_serve_lock_passed_on(struct bfs_call *c);

/* A process of another node has ended. */
void bfs_serve_far_gone(struct bfs_server *s, unsigned node, pid_t pid);
/* An open file description of another node has. */
void bfs_serve_lock_far_dead(struct bfs_server *s,
			     const struct bfs_lock_owner *o);

#endif
