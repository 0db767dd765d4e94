/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * AF_UNIX addresses that the kernel tells.  It knows a socket by the name it
 * was bound to, which bind made so that it says the inode and the proof that
 * one may ask for its path (ops_sock.c).  The application gets the path.
 */
#include "preload/count.h"
#include "preload/handle.h"
#include "preload/memory.h"
#include "preload/ops.h"
#include "preload/peer.h"
#include "preload/real.h"

#include "core/proto.h"
#include "core/util.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define PATH_AT offsetof(struct sockaddr_un, sun_path)

/* The inode that an address of ours names. */
static bool parse(const struct sockaddr_un *un, socklen_t len,
		  struct bfs_handle *h)
{
	char path[sizeof(un->sun_path) + 1];
	int dir, end = 0;

	if (len <= PATH_AT || un->sun_family != AF_UNIX ||
	    memcmp(un->sun_path, "/proc/", 6))
		return false;
	len = BFS_MIN(len - (socklen_t)PATH_AT, sizeof(un->sun_path));
	memcpy(path, un->sun_path, len);
	path[len] = '\0';
	h->rights = BFS_RIGHT_PATH;
	return sscanf(path, "/proc/self/fd/%d/%16lx.%16lx%n", &dir, &h->ino,
		      &h->mac, &end) == 3 &&
	       end > 0 && !path[end];
}

/*
 * The kernel has written an address of len bytes, as far as there was room.
 * One of ours becomes a path if that fits.  The address's length.
 */
static socklen_t translate(struct sockaddr *addr, socklen_t room, socklen_t len)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char path[BFS_PATH_MAX];
	struct bfs_handle h;
	int n;

	if (!parse((struct sockaddr_un *)addr, BFS_MIN(room, len), &h))
		return len;
	n = bfs_handle_path(h, path, sizeof(path));
	if (n < 0 || n >= (int)sizeof(un.sun_path))
		return len;
	memcpy(un.sun_path, path, (size_t)n);
	len = (socklen_t)PATH_AT + (socklen_t)n + 1;
	memcpy(addr, &un, BFS_MIN(room, len));
	return len;
}

/* Behind a call that told an address. */
static long told(long result, struct sockaddr *addr, socklen_t room,
		 socklen_t *len)
{
	bfs_count_foreign(); /* unless the daemon has to be asked */
	if (result == -1)
		return -errno;
	*len = translate(addr, room, *len);
	return result;
}

/* A bad address is the kernel's to refuse. */
static socklen_t room_of(const socklen_t *len)
{
	return bfs_mem_in(len, sizeof(*len)) ? 0 : *len;
}

int bfs_getsockname(int sock, struct sockaddr *addr, socklen_t *len)
{
	socklen_t room = room_of(len);

	return (int)told(REAL(getsockname)(sock, addr, len), addr, room, len);
}

int bfs_getpeername(int sock, struct sockaddr *addr, socklen_t *len)
{
	socklen_t room = room_of(len);

	return (int)told(REAL(getpeername)(sock, addr, len), addr, room, len);
}

int bfs_accept(int sock, struct sockaddr *addr, socklen_t *len)
{
	socklen_t room = room_of(len);

	return (int)told(REAL(accept)(sock, addr, len), addr, room, len);
}

int bfs_accept4(int sock, struct sockaddr *addr, socklen_t *len, int flags)
{
	socklen_t room = room_of(len);

	return (int)told(REAL(accept4)(sock, addr, len, flags), addr, room,
			 len);
}

ssize_t bfs_recvfrom(int sock, void *buf, size_t n, int flags,
		     struct sockaddr *addr, socklen_t *len)
{
	socklen_t room = room_of(len);

	return told(REAL(recvfrom)(sock, buf, n, flags, addr, len), addr, room,
		    len);
}

ssize_t bfs___recvfrom_chk(int sock, void *buf, size_t n, size_t size,
			   int flags, struct sockaddr *addr, socklen_t *len)
{
	if (n > size)
		__chk_fail();
	return bfs_recvfrom(sock, buf, n, flags, addr, len);
}

void bfs_peer_told(struct msghdr *m, socklen_t room)
{
	if (m->msg_name)
		m->msg_namelen = translate(m->msg_name, room, m->msg_namelen);
}
