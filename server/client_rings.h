/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rings of a local port's clients: one is always ready for the next client,
 * and those of clients who have gone go a little later.  Owner thread only.
 */
#ifndef BFS_CLIENT_RINGS_H
#define BFS_CLIENT_RINGS_H

#include "server/client.h"

/* With the port. */
void bfs_rings_begin(struct bfs_port_local *p);
void bfs_rings_end(struct bfs_port_local *p);

/* The ring's descriptor, which is the caller's as the ring is; -errno. */
int bfs_rings_take(struct bfs_port_local *p, struct bfs_ring **ring);
/* The next one; so nobody sees descriptors come and go. */
void bfs_rings_prepare(struct bfs_port_local *p);
/* Takes the ring over. */
void bfs_rings_bury(struct bfs_port_local *p, struct bfs_ring *ring);

#endif
