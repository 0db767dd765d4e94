/* SPDX-License-Identifier: BSD-3-Clause */
/* Where other daemons are, and whether they still are.  Owner thread only. */
#ifndef BFS_PEER_WHERE_H
#define BFS_PEER_WHERE_H

#include "server/peer_impl.h"

/*
 * The address of p's daemon as of now, borrowed until the next call.
 * -EOWNERDEAD: its process is known to have ended, and no new one has said
 * where it is; -EAGAIN: ask again soon; -errno.
 */
int bfs_peer_where(struct bfs_peer *p, const void **address, size_t *len);

/*
 * Where the answer to a PEERHELLO goes, whose fields come next in w: to the
 * address in it, if whoever sent it has the secret; else to that of the member
 * that it says it is.  False: nowhere.
 */
bool bfs_peer_hello_address(struct bfs_server *s, struct bfs_wire *w,
			    struct bfs_str *address);

/* Sets s->peer_address and s->peer_ended, from s->members. */
void bfs_peer_where_members(struct bfs_server *s);

#endif
