/* SPDX-License-Identifier: BSD-3-Clause */
/* The real address behind an AF_UNIX address in BenchFS (ops_sock.c). */
#ifndef BFS_PEER_H
#define BFS_PEER_H

#include <sys/socket.h>
#include <sys/un.h>

struct bfs_peer {
	int dir; /* what un names is valid while it is open; or -1 */
	struct sockaddr_un un;
	socklen_t len;
};

/* Of a socket that one may write to.  0 or -errno. */
int bfs_peer_find(struct bfs_peer *p, const struct sockaddr *addr,
		  socklen_t len);
/* Behind the call that used it: its result, or -errno. */
long bfs_peer_end(struct bfs_peer *p, long result);
/* Behind recvmsg: an address of ours becomes a path.  room: what msg_namelen
 * was before. */
void bfs_peer_told(struct msghdr *m, socklen_t room);

#endif
