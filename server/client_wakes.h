/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients that sleep are woken when they have been answered.  That takes some
 * microseconds each, which others do not wait for: their rings are looked at in
 * between.  Owner thread only.
 */
#ifndef BFS_CLIENT_WAKES_H
#define BFS_CLIENT_WAKES_H

#include "server/client.h"

/* The answer is in the slot: soon, or at once if nobody else is served.
 * together: its client sleeps on our core. */
void bfs_wakes_add(struct bfs_conn *c, struct bfs_slot *s, bool together);
/* Those whose turn it is: how many. */
int bfs_wakes_turn(struct bfs_port_local *p);
/*
 * One of them, taken out; there must be one.  Of those in the order of their
 * answers the first of another client than the last one's: who sleeps in many
 * threads is not before who has only one.
 */
struct bfs_wake bfs_wakes_next(struct bfs_port_local *p);
/* It is going: all of its own, now. */
void bfs_wakes_end(struct bfs_conn *c);

#endif
