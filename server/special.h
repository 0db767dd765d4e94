/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fifos and sockets whose inode is another node's: they join processes of one
 * node, as on any network file system, so each node's daemon has its own.
 * Owner thread only.
 */
#ifndef BFS_SPECIAL_H
#define BFS_SPECIAL_H

#include "core/proto.h"
#include "server/server.h"

/* An O_PATH descriptor of the node's own fifo, which is made as a tells; of the
 * directory that its sockets are bound in.  -errno. */
int bfs_special_fifo(struct bfs_server *s, const struct bfs_attr *a);
int bfs_special_sockets(struct bfs_server *s, uint64_t ino);

/* Those that an earlier run left. */
void bfs_special_find(struct bfs_server *s);
/* Asks the homes of some whether they are still there. */
void bfs_special_sweep(struct bfs_server *s);
void bfs_special_free(struct bfs_server *s);

#endif
