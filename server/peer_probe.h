/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Has a peer's process ended, or can it only not be reached?  If all the ports
 * that it listened at refuse us, its host lives and it does not.  Owner thread
 * only.
 */
#ifndef BFS_PEER_PROBE_H
#define BFS_PEER_PROBE_H

#include "server/peer_impl.h"

/* Find out, and call bfs_peer_net_dead() if it has.  address: as the peer has
 * published it.  One at a time. */
void bfs_peer_probe(struct bfs_peer *p, const void *address, size_t len);
void bfs_peer_probe_end(struct bfs_peer *p);

#endif
