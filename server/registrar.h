/* SPDX-License-Identifier: BSD-3-Clause */
/* Hands out our record over TCP (core/registrar.h).  Owner thread only. */
#ifndef BFS_SERVER_REGISTRAR_H
#define BFS_SERVER_REGISTRAR_H

#include "core/members.h"
#include "server/loop.h"

struct bfs_registrar;

/*
 * Listen for the member of that shard, whose list is of the back-end `hosts`:
 * at its port, and at bind_addr if that is not empty, else at its own address.
 * What is handed out is l->record as it is then.  0 or -errno, logged.
 */
int bfs_registrar_new(struct bfs_registrar **out, struct bfs_loop *loop,
		      const struct bfs_members *l, unsigned shard,
		      const char *bind_addr);
void bfs_registrar_free(struct bfs_registrar *r);

#endif
