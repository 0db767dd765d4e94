/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The local port: accepts clients of this node, polls their rings, passes
 * them descriptors, and watches their lives.  Owner thread only.
 */
#ifndef BFS_PORT_LOCAL_H
#define BFS_PORT_LOCAL_H

#include "server/server.h"

struct bfs_port_local;

/* Listen on <run_dir>/sock.  0; -EADDRINUSE if a live daemon answers there
 * (the socket of a dead one is replaced); -ENAMETOOLONG; -errno. */
int bfs_port_local_new(struct bfs_server *s, struct bfs_port_local **p);
/* Let those who connect wait, from the start, and take them in again. */
void bfs_port_local_hold(struct bfs_port_local *p);
int bfs_port_local_go(struct bfs_port_local *p);
/* A client that is to be woken sleeps on our core: do we leave it (clients know
 * then)?  And then do so, when it is awake. */
bool bfs_port_local_leaves(struct bfs_port_local *p);
void bfs_port_local_leave(struct bfs_port_local *p);
/* Hang up on everybody and remove the socket. */
void bfs_port_local_free(struct bfs_port_local *p);

#endif
