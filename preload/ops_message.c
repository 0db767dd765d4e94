/* SPDX-License-Identifier: BSD-3-Clause */
/* sendmsg, recvmsg and their plurals: addresses in BenchFS, and descriptors in
 * flight. */
#include "core/util.h"
#include "preload/count.h"
#include "preload/fd.h"
#include "preload/memory.h"
#include "preload/ops.h"
#include "preload/peer.h"
#include "preload/real.h"

#include <string.h>

/* Calls fn for each descriptor in m; true as soon as fn says so. */
static bool each_fd(const struct msghdr *m, bool (*fn)(int fd))
{
	struct msghdr *h = (struct msghdr *)m;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
		    c->cmsg_len < CMSG_LEN(0))
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (fn(fd))
				return true;
		}
	}
	return false;
}

static bool is_ours(int fd)
{
	return bfs_fd_desc(fd) != NULL;
}

static bool share(int fd)
{
	bfs_fd_share(fd);
	return false;
}

static bool recognise(int fd)
{
	bfs_fd_recognise(fd);
	return false;
}

bool bfs_message_ours(const struct msghdr *m)
{
	return m && bfs_on && !bfs_mem_in(m, sizeof(*m)) &&
	       !bfs_mem_in(m->msg_control, m->msg_controllen) &&
	       ((m->msg_name && bfs_socket_ours(m->msg_name, m->msg_namelen)) ||
		(m->msg_control && each_fd(m, is_ours)));
}

ssize_t bfs_sendmsg(int sock, const struct msghdr *m, int flags)
{
	struct msghdr copy = *m;
	struct bfs_peer peer;
	ssize_t r;
	int e;

	if (m->msg_control)
		each_fd(m, share);
	if (!m->msg_name || !bfs_socket_ours(m->msg_name, m->msg_namelen))
		return bfs_ret(REAL(sendmsg)(sock, m, flags));
	e = bfs_peer_find(&peer, m->msg_name, m->msg_namelen);
	if (e)
		return e;
	copy.msg_name = &peer.un;
	copy.msg_namelen = peer.len;
	r = REAL(sendmsg)(sock, &copy, flags);
	return bfs_peer_end(&peer, r);
}

static void received(struct msghdr *m, socklen_t room)
{
	if (m->msg_controllen)
		each_fd(m, recognise);
	bfs_peer_told(m, room);
}

ssize_t bfs_recvmsg(int sock, struct msghdr *m, int flags)
{
	socklen_t room = bfs_mem_in(m, sizeof(*m)) ? 0 : m->msg_namelen;
	ssize_t r;

	bfs_count_foreign(); /* unless the daemon has to be asked */
	r = bfs_ret(REAL(recvmsg)(sock, m, flags));

	if (r >= 0)
		received(m, room);
	return r;
}

#define MESSAGES UIO_MAXIOV /* of one call, as the kernel's */

bool bfs_messages_ours(const struct mmsghdr *v, unsigned n)
{
	n = BFS_MIN(n, (unsigned)MESSAGES);
	if (!bfs_on || !v || bfs_mem_in(v, n * sizeof(*v)))
		return false;
	for (unsigned i = 0; i < n; i++)
		if (bfs_message_ours(&v[i].msg_hdr))
			return true;
	return false;
}

int bfs_sendmmsg(int sock, struct mmsghdr *v, unsigned int n, int flags)
{
	unsigned done;

	n = BFS_MIN(n, (unsigned)MESSAGES);
	for (done = 0; done < n; done++) {
		ssize_t r = bfs_sendmsg(sock, &v[done].msg_hdr, flags);

		/* What comes behind the first is not told. */
		if (r < 0)
			return done ? (int)done : (int)r;
		v[done].msg_len = (unsigned)r;
	}
	return (int)done;
}

int bfs_recvmmsg(int sock, struct mmsghdr *v, unsigned int n, int flags,
		 struct timespec *wait)
{
	socklen_t room[MESSAGES];
	int got;

	n = BFS_MIN(n, (unsigned)MESSAGES);
	bfs_count_foreign(); /* unless the daemon has to be asked */
	if (bfs_mem_in(v, n * sizeof(*v)))
		return (int)bfs_ret(REAL(recvmmsg)(sock, v, n, flags, wait));
	for (unsigned i = 0; i < n; i++)
		room[i] = v[i].msg_hdr.msg_namelen;
	got = (int)bfs_ret(REAL(recvmmsg)(sock, v, n, flags, wait));
	for (int i = 0; i < got; i++)
		received(&v[i].msg_hdr, room[i]);
	return got;
}
