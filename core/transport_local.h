/* SPDX-License-Identifier: BSD-3-Clause */
/* The transport to a daemon on the same node.  Any thread. */
#ifndef BFS_TRANSPORT_LOCAL_H
#define BFS_TRANSPORT_LOCAL_H

#include "core/transport.h"

/* What connecting gives besides the transport. */
struct bfs_local_peer {
	struct bfs_hello_rep hello;
	int arena_fd; /* memfd of struct bfs_arena; owned by the caller */
	int empty_fd; /* the sealed memfd of placeholders; likewise */
};

/*
 * Connect to <run_dir>/sock and say hello.  fd_base: the lowest number for the
 * socket that is kept.  0; -errno; -EPROTO, -EACCES or -ESTALE if the daemon
 * refuses us (its log says why).
 */
int bfs_local_connect(const char *run_dir, const struct bfs_hello_req *hello,
		      int fd_base, uint64_t deadline, struct bfs_transport **t,
		      struct bfs_local_peer *peer);

/* The socket of t, for the owner of the fd table, and the directory of data
 * files (O_PATH) that the daemon lets us open ourselves, or -1. */
int bfs_local_socket(const struct bfs_transport *t);
int bfs_local_data(const struct bfs_transport *t);
/* The end of t, whose descriptors are those of another process, which has gone
 * (a child of vfork). */
void bfs_local_unmap(struct bfs_transport *t);

#endif
