/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A process beside the daemon that holds a copy of its arenas, so that they
 * outlive a kill: which descriptions there are is known to their memory and to
 * the locks on them alone (RULES 28).  It serves the daemon's user, and ends
 * when the daemon stops for good or nobody starts it again.  Owner thread only.
 */
#ifndef BFS_HOLDER_H
#define BFS_HOLDER_H

#include "server/server.h"

/*
 * Find the one that an earlier run left, or start one; each pair of
 * descriptors that it has is given to found(), which owns them.  The connection
 * or -errno, logged.
 */
int bfs_holder_find(const char *run_dir,
		    void (*found)(void *arg, uint32_t uid, int arena_fd,
				  int empty_fd),
		    void *arg);
/* Have it hold these too: 0 or -errno. */
int bfs_holder_keep(int conn, uint32_t uid, int arena_fd, int empty_fd);
/* It is not needed any more; closes the connection. */
void bfs_holder_end(int conn);

/* main of that process. */
int bfs_holder_main(const char *run_dir);

#endif
