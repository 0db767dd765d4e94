/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Something that one fiber at a time has, in the order in which they came.
 * Owner thread only.
 */
#ifndef BFS_TURN_H
#define BFS_TURN_H

#include "server/server.h"

struct bfs_turn_waiter;

struct bfs_turn {
	bool taken;
	struct bfs_turn_waiter *waiters; /* utlist DL */
};

/* On a fiber: 0, or -ETIMEDOUT by the deadline (bfs_now() clock). */
int bfs_turn_take(struct bfs_server *s, struct bfs_turn *t, uint64_t deadline);
/* The next one's; he may run before this returns, if this is no fiber. */
void bfs_turn_give(struct bfs_turn *t);
/* Does nobody have it, or wait for it? */
bool bfs_turn_free(const struct bfs_turn *t);

#endif
