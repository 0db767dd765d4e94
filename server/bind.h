/* SPDX-License-Identifier: BSD-3-Clause */
/* network.bind_addr: which address and which interface.  Any thread. */
#ifndef BFS_BIND_H
#define BFS_BIND_H

#include <net/if.h>
#include <sys/socket.h>

struct bfs_bind {
	char device[IF_NAMESIZE];
	struct sockaddr_storage addr; /* port 0 */
};

/*
 * text: an interface, a numeric address or a name of this node.  family:
 * AF_INET, AF_INET6, or AF_UNSPEC for any.  0, or -EADDRNOTAVAIL if it is
 * nothing of this node's.
 */
int bfs_bind_find(struct bfs_bind *b, const char *text, int family);

/* Keep UCX to that interface, unless UCX_NET_DEVICES says otherwise already.
 * 0 or -errno, logged. */
int bfs_bind_ucx(const char *text);

#endif
