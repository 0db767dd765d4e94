/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What clients of other nodes have open here (S5, RULES 28): a home that starts
 * anew asks their nodes' daemons, whose arenas know.  Until all have told, or
 * the time of a call has passed, nothing that has lost its last name goes.
 * Owner thread only.
 */
#ifndef BFS_RECLAIM_H
#define BFS_RECLAIM_H

#include "server/server.h"

/* At the start, when other daemons can be asked. */
void bfs_reclaim_start(struct bfs_server *s);
/* May somebody have something open that we do not know of? */
bool bfs_reclaim_waits(const struct bfs_server *s);
/* We stop. */
void bfs_reclaim_free(struct bfs_server *s);

#endif
