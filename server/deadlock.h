/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Circles of processes that wait for each other's POSIX locks on several
 * shards.  Owner thread only.
 */
#ifndef BFS_DEADLOCK_H
#define BFS_DEADLOCK_H

#include "server/server.h"

/*
 * Look at the waits here that nobody has looked at, or not for some time, on
 * fibers.  Of a circle, the wait that is the youngest ends with -EDEADLK.
 * Nothing happens on one shard: the table sees its circles itself.
 */
void bfs_deadlock_look(struct bfs_server *s);

#endif
