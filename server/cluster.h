/* SPDX-License-Identifier: BSD-3-Clause */
/* What the daemon is told by, and does for, the others.  Owner thread only. */
#ifndef BFS_CLUSTER_H
#define BFS_CLUSTER_H

#include "server/server.h"

/* All members are known: from now on we know who is on our node.  Harmless if
 * there is one only. */
void bfs_cluster_joined(struct bfs_server *s);
/* A peer has started anew. */
void bfs_cluster_peer_new(struct bfs_server *s, unsigned shard);
/* Is another shard the inode's home? */
bool bfs_cluster_elsewhere(const struct bfs_server *s, uint64_t ino);
/* ... or has another shard a part in making it durable? */
bool bfs_cluster_needed(const struct bfs_server *s, uint64_t ino);
/* As bfs_sync_closed(), for such an inode. */
void bfs_cluster_closed(struct bfs_server *s, struct bfs_handle h);
/* Once a second while there is something: true, call again. */
bool bfs_cluster_sweep(struct bfs_server *s);

#endif
