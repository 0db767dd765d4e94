/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The processes of this node that talk to us.  A process ends when its pidfd
 * says so, not when a socket closes (RULES 1).  Owner thread only.
 */
#ifndef BFS_PROCESS_H
#define BFS_PROCESS_H

#include "server/client.h"
#include "server/hash.h"

struct bfs_process {
	pid_t pid;
	int pidfd;
	struct bfs_port_local *port;
	UT_hash_handle hh;
};

/* The process with that pid, watched from now on; NULL and errno. */
struct bfs_process *bfs_process_get(struct bfs_port_local *p, pid_t pid);
/* Asks the kernel: the news of a death may still be under way.  True also for
 * a process that is not watched. */
bool bfs_process_lives(const struct bfs_server *s, pid_t pid);
/* The same, but false for one that no session here is of. */
bool bfs_process_known(const struct bfs_server *s, pid_t pid);
/* What tells it from a later process with that pid, also for a daemon that is
 * started anew; 0: there is none. */
uint64_t bfs_process_mark(const struct bfs_server *s, pid_t pid);
/*
 * The real ids of a process, into cred, whose groups stay: what access(2)
 * asks for.  0 or -errno.
 */
int bfs_process_real_ids(pid_t pid, struct bfs_cred *cred);
void bfs_process_free_all(struct bfs_port_local *p);

#endif
