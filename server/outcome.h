/* SPDX-License-Identifier: BSD-3-Clause */
/* A question to the driver of a change: what has become of it?  Owner thread.
 */
#ifndef BFS_OUTCOME_H
#define BFS_OUTCOME_H

#include "server/server.h"

/* outcome: BFS_TX_*; OPEN if there was no answer, and status says why. */
typedef void bfs_outcome_fn(struct bfs_server *s, uint64_t tx, uint32_t outcome,
			    int status);

/*
 * Ask, and be told by fn, once.  timeout: ns, or less if the driver is dead.
 * False: no memory, and fn will not be called.
 */
bool bfs_outcome_ask(struct bfs_server *s, unsigned driver, uint64_t tx,
		     uint64_t timeout, bfs_outcome_fn *fn);

#endif
