/* SPDX-License-Identifier: BSD-3-Clause */
/* The socket side of the local transport: dialling and passing fds. */
#ifndef BFS_LOCAL_IO_H
#define BFS_LOCAL_IO_H

#include "core/proto.h"

struct bfs_ring;

struct bfs_local_link {
	int sock, arena_fd, empty_fd; /* CLOEXEC */
	int data_fd; /* of the directory of data files, O_PATH; or -1 */
	struct bfs_ring *ring;
};

/* Connect, exchange HELLO, receive and map.  0 or -errno. */
int bfs_local_dial(const char *run_dir, const struct bfs_hello_req *hello,
		   int fd_base, uint64_t deadline, struct bfs_local_link *link,
		   struct bfs_hello_rep *rep);
void bfs_local_hang_up(struct bfs_local_link *link);

/*
 * One message with up to nfds descriptors (CLOEXEC; -1 where none came).
 * The length, 0 at the end, or -errno.
 */
int bfs_local_recv(int sock, void *buf, size_t len, int *fds, int nfds,
		   int flags);
int bfs_local_send(int sock, const void *buf, size_t len, const int *fds,
		   int nfds, int flags);

/* A file in the run directory: whoever is not there will be started again. */
#define BFS_LOCAL_RESTARTS "restarts"

/*
 * The environment of a program may be another node's, where mpirun started it:
 * if the directory named does not exist, its node's own is "here" beside it.
 * True: run_dir (of size bytes) names that now.
 */
bool bfs_local_here(char *run_dir, size_t size);

/* Fill in a name of at most 107 bytes: 0 or -ENAMETOOLONG. */
struct sockaddr_un;
int bfs_local_name(struct sockaddr_un *name, const char *run_dir);

#endif
