/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ucx port: serves clients that come by UCX active messages, each on its
 * own endpoint, attached to a session by HELLO.  Owner thread only.
 */
#ifndef BFS_PORT_UCX_H
#define BFS_PORT_UCX_H

#include "server/serve.h"

struct bfs_port_ucx;
struct bfs_ucx_daemons;

/* For the daemons of a cluster (peer_ucx.c): they call each other here. */
extern const struct bfs_ucx_daemons bfs_peer_ucx;

/*
 * Open UCX, publish our address as <run_dir>/ucx.addr and join the loop.
 * eager_max: largest message that is not sent by rendezvous, 0: default.
 * daemons: NULL if we are alone.
 * 0; -EOPNOTSUPP, -ENODEV: no usable transport; -errno; each is logged.
 */
int bfs_port_ucx_new(struct bfs_server *s, size_t eager_max,
		     const struct bfs_ucx_daemons *daemons,
		     struct bfs_port_ucx **p);
/* The loop must not run again.  Removes the address. */
void bfs_port_ucx_free(struct bfs_port_ucx *p);

#endif
