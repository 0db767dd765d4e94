/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients of other nodes that come by themselves, for data (DIRECT, VOUCH,
 * VIA in proto.def).  Their session is the one that their forwarded calls have,
 * so what is sent again over the other way is known again (F2).  Owner thread
 * only.
 */
#ifndef BFS_DIRECT_H
#define BFS_DIRECT_H

#include "server/serve.h"

/* Is that shard on this node, or is there none? */
bool bfs_direct_near(const struct bfs_server *s, uint32_t shard);
/* Has c come so? */
bool bfs_direct_came(const struct bfs_call *c);
/* VIA: c becomes the call that it carries.  0 or -errno. */
int bfs_direct_unwrap(struct bfs_call *c);

#endif
