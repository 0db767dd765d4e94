/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/local_io.h"

#include "core/kill.h"
#include "core/log.h"
#include "core/ring.h"
#include "core/sys.h"
#include "core/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#define HELLO_FDS 3 /* that come always */
#define HELLO_FDS_MAX 4
#define HELLO_NS 300000u /* is looked for, before sleeping */
#define YIELDS 2

int bfs_local_name(struct sockaddr_un *name, const char *run_dir)
{
	int n;

	name->sun_family = AF_UNIX;
	n = snprintf(name->sun_path, sizeof(name->sun_path), "%s/sock",
		     run_dir);
	return n < (int)sizeof(name->sun_path) ? 0 : -ENAMETOOLONG;
}

bool bfs_local_here(char *run_dir, size_t size)
{
	char *slash = strrchr(run_dir, '/');
	struct stat st;

	if (bfs_sys_2(SYS_stat, run_dir, &st) != -ENOENT || !slash ||
	    slash + sizeof("/here") > run_dir + size)
		return false;
	memcpy(slash, "/here", sizeof("/here"));
	return true;
}

union fd_control {
	char buf[CMSG_SPACE(HELLO_FDS_MAX * sizeof(int))];
	struct cmsghdr align;
};

int bfs_local_recv(int sock, void *buf, size_t len, int *fds, int nfds,
		   int flags)
{
	struct iovec v = { buf, len };
	union fd_control c;
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = c.buf,
			    .msg_controllen = sizeof(c.buf) };
	int r, n = 0;

	for (int i = 0; i < nfds; i++)
		fds[i] = -1;
	r = bfs_sys_recvmsg(sock, &m, flags | MSG_CMSG_CLOEXEC);
	if (r <= 0)
		return r;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		int got = (int)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (int i = 0; i < got; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + (size_t)i * sizeof(fd),
			       sizeof(fd));
			if (n < nfds)
				fds[n++] = fd;
			else
				bfs_sys_close(fd);
		}
	}
	return r;
}

int bfs_local_send(int sock, const void *buf, size_t len, const int *fds,
		   int nfds, int flags)
{
	struct iovec v = { (void *)buf, len };
	union fd_control c;
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	if (nfds) {
		struct cmsghdr *h;

		memset(&c, 0, sizeof(c));
		m.msg_control = c.buf;
		m.msg_controllen = CMSG_SPACE((size_t)nfds * sizeof(int));
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN((size_t)nfds * sizeof(int));
		memcpy(CMSG_DATA(h), fds, (size_t)nfds * sizeof(int));
	}
	return bfs_sys_sendmsg(sock, &m, flags | MSG_NOSIGNAL);
}

/* Waits for the deadline as the kernel counts it: connect has no poll. */
static void set_timeout(int sock, uint64_t deadline)
{
	uint64_t now = bfs_now(), ns = deadline > now ? deadline - now : 1;
	struct timeval t;

	if (ns > 3600ull * 1000000000u)
		ns = 3600ull * 1000000000u;
	t.tv_sec = (time_t)(ns / 1000000000u);
	t.tv_usec = (suseconds_t)(ns % 1000000000u / 1000 + 1);
	bfs_sys_5(SYS_setsockopt, sock, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	bfs_sys_5(SYS_setsockopt, sock, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

/* Out of the way of programs that count on low numbers; -1: there is no room,
 * or none was given. */
static int keep_high(int fd, int fd_base)
{
	int high = fd < 0 ? -1 : bfs_sys_fcntl(fd, F_DUPFD_CLOEXEC, fd_base);

	if (fd >= 0)
		bfs_sys_close(fd);
	return high < 0 ? -1 : high;
}

static int dial(const char *run_dir, int fd_base, uint64_t deadline)
{
	struct sockaddr_un name;
	int sock, high, r;

	r = bfs_local_name(&name, run_dir);
	if (r)
		return r;
	sock = (int)bfs_sys_3(SYS_socket, AF_UNIX,
			      SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return sock;
	/* Out of the way of programs that count on low numbers. */
	high = bfs_sys_fcntl(sock, F_DUPFD_CLOEXEC, fd_base);
	if (high >= 0) {
		bfs_sys_close(sock);
		sock = high;
	}
	set_timeout(sock, deadline);
	do
		r = (int)bfs_sys_3(SYS_connect, sock, &name, sizeof(name));
	while (r == -EINTR && bfs_now() < deadline);
	if (r && r != -EISCONN) {
		bfs_sys_close(sock);
		return r == -EAGAIN || r == -EINPROGRESS ? -ETIMEDOUT : r;
	}
	return sock;
}

static int say_hello(int sock, const struct bfs_hello_req *hello)
{
	uint8_t buf[BFS_FIELDS_MAX];
	struct bfs_wire w;
	struct bfs_req_head head = { .op = BFS_OP_HELLO,
				     .id = 1,
				     .session = hello->session,
				     .ticket = hello->ticket,
				     .generation = hello->generation };
	int r;

	bfs_wire_init(&w, buf, sizeof(buf));
	bfs_put_req_head(&w, &head);
	r = bfs_hello_req_put(&w, hello);
	if (!r)
		r = bfs_local_send(sock, buf, (size_t)(w.pos - buf), NULL, 0,
				   0);
	return r < 0 ? r : 0;
}

/*
 * The daemon answers within 50 us of its being woken, which takes as long on a
 * core that was idle; to be woken ourselves takes longer than all the rest
 * (core/patience.h).  If it has been woken on our core it needs that, but once
 * is enough: whoever else is there would keep it for long.
 */
static int recv_soon(int sock, void *buf, size_t len, int *fds)
{
	uint64_t until = bfs_now() + HELLO_NS;
	int r;

	for (unsigned n = 0; bfs_now() < until; n++) {
		r = bfs_local_recv(sock, buf, len, fds, HELLO_FDS_MAX,
				   MSG_DONTWAIT);
		if (r != -EAGAIN)
			return r;
		if (n < YIELDS)
			bfs_sys_0(SYS_sched_yield);
	}
	return bfs_local_recv(sock, buf, len, fds, HELLO_FDS_MAX, 0);
}

static int hear_hello(int sock, struct bfs_hello_rep *rep, int *fds)
{
	uint8_t buf[512];
	struct bfs_rep_head head;
	struct bfs_wire w;
	int r;

	do
		r = recv_soon(sock, buf, sizeof(buf), fds);
	while (r == -EINTR);
	if (r <= 0)
		return r == -EAGAIN ? -ETIMEDOUT : r ? r : -ECONNRESET;
	bfs_wire_init(&w, buf, (size_t)r);
	head = bfs_get_rep_head(&w);
	if (bfs_wire_end(&w) || head.op != BFS_OP_HELLO)
		return -EPROTO;
	if (head.status)
		return -(int)head.status;
	if (bfs_hello_rep_get(&w, rep))
		return -EPROTO;
	return fds[HELLO_FDS - 1] < 0 ? -EMFILE : 0;
}

static int map_ring(int fd, struct bfs_ring **ring)
{
	long p = bfs_sys_mmap(NULL, sizeof(**ring), PROT_READ | PROT_WRITE,
			      MAP_SHARED, fd, 0);

	if (p < 0 && p > -4096)
		return (int)p;
	*ring = (struct bfs_ring *)p;
	bfs_sys_3(SYS_madvise, p, sizeof(**ring), MADV_DONTFORK);
	return (*ring)->magic == BFS_RING_MAGIC ? 0 : -EPROTO;
}

int bfs_local_dial(const char *run_dir, const struct bfs_hello_req *hello,
		   int fd_base, uint64_t deadline, struct bfs_local_link *link,
		   struct bfs_hello_rep *rep)
{
	int fds[HELLO_FDS_MAX] = { -1, -1, -1, -1 }, sock, r;

	sock = dial(run_dir, fd_base, deadline);
	if (sock < 0)
		return sock;
	r = say_hello(sock, hello);
	BFS_KILL_POINT(hello_said);
	if (!r)
		r = hear_hello(sock, rep, fds);
	link->ring = NULL;
	if (!r)
		r = map_ring(fds[0], &link->ring);
	link->sock = sock;
	link->arena_fd = fds[1];
	link->empty_fd = fds[2];
	link->data_fd = r ? -1 : keep_high(fds[3], fd_base);
	if (r && fds[3] >= 0)
		bfs_sys_close(fds[3]);
	if (fds[0] >= 0)
		bfs_sys_close(fds[0]);
	if (r)
		bfs_local_hang_up(link);
	return r;
}

void bfs_local_hang_up(struct bfs_local_link *link)
{
	if (link->ring)
		bfs_sys_munmap(link->ring, sizeof(*link->ring));
	bfs_sys_close(link->sock);
	if (link->arena_fd >= 0)
		bfs_sys_close(link->arena_fd);
	if (link->empty_fd >= 0)
		bfs_sys_close(link->empty_fd);
	if (link->data_fd >= 0)
		bfs_sys_close(link->data_fd);
}
