/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ucx port: serves clients that come by UCX active messages, each on its
 * own endpoint, attached to a session by HELLO.  Owner thread only.
 */
#ifndef BFS_PORT_UCX_H
#define BFS_PORT_UCX_H

#include "server/serve.h"

struct bfs_port_ucx;

/*
 * Open UCX, publish our address as <run_dir>/ucx.addr and join the loop.
 * eager_max: largest message that is not sent by rendezvous, 0: default.
 * 0; -EOPNOTSUPP, -ENODEV: no usable transport; -errno; each is logged.
 */
int bfs_port_ucx_new(struct bfs_server *s, size_t eager_max,
		     struct bfs_port_ucx **p);
/* The loop must not run again.  Removes the address. */
void bfs_port_ucx_free(struct bfs_port_ucx *p);

#endif
