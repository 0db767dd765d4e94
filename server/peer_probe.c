/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/peer_probe.h"

#include "core/log.h"
#include "core/ucx_common.h"
#include "core/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define PORTS 8
#define LIMIT_NS 3000000000u /* silence is no answer */

/* One attempt to connect. */
struct knock {
	struct bfs_peer_probe *probe;
	int fd; /* -1: it has been answered */
};

struct bfs_peer_probe {
	struct bfs_peer *peer;
	struct bfs_timer timer;
	struct knock knock[PORTS];
	unsigned n, refused;
};

static struct bfs_loop *loop_of(const struct bfs_peer *p)
{
	return p->all->server->loop;
}

static void close_knock(struct knock *k)
{
	if (k->fd < 0)
		return;
	bfs_loop_del(loop_of(k->probe->peer), k->fd);
	close(k->fd);
	k->fd = -1;
}

void bfs_peer_probe_end(struct bfs_peer *p)
{
	struct bfs_peer_probe *o = p->probe;

	if (!o)
		return;
	p->probe = NULL;
	bfs_loop_timer(loop_of(p), &o->timer, 0);
	for (unsigned i = 0; i < o->n; i++)
		close_knock(&o->knock[i]);
	free(o);
}

static void on_limit(struct bfs_timer *t)
{
	struct bfs_peer_probe *o = t->arg;

	bfs_peer_probe_end(o->peer);
}

/* One that does not refuse settles it. */
static void heard(struct bfs_peer_probe *o, int error)
{
	struct bfs_peer *p = o->peer;

	o->refused += error == ECONNREFUSED;
	if (error == ECONNREFUSED && o->refused < o->n)
		return;
	bfs_peer_probe_end(p);
	if (error == ECONNREFUSED)
		bfs_peer_net_dead(p);
}

static void on_answer(void *arg, uint32_t events)
{
	struct knock *k = arg;
	int error = 0;
	socklen_t n = sizeof(error);

	if (getsockopt(k->fd, SOL_SOCKET, SO_ERROR, &error, &n))
		error = errno;
	close_knock(k);
	heard(k->probe, error);
}

static bool is_loopback(const struct sockaddr_storage *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;

	if (a->ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return a->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* The addresses; the loopback's only if there is no other, since here it is
 * another host's. */
static unsigned read_ports(const void *address, size_t len, bool loopback,
			   struct sockaddr_storage at[PORTS],
			   socklen_t size[PORTS])
{
	const uint8_t *end = bfs_ucx_address_end(address, len);
	struct bfs_wire w;
	unsigned n = 0;

	if (!end)
		return 0;
	bfs_wire_init(&w, end, (size_t)((const uint8_t *)address + len - end));
	while (n < PORTS && w.pos < w.end) {
		struct bfs_str s = bfs_get_str(&w);

		if (bfs_wire_end(&w) || s.len > sizeof(at[n]))
			return 0;
		memset(&at[n], 0, sizeof(at[n]));
		memcpy(&at[n], s.ptr, s.len);
		size[n] = s.len;
		n += is_loopback(&at[n]) == loopback;
	}
	return n;
}

/* 0: under way; or a positive errno. */
static int knock(struct knock *k, const struct sockaddr_storage *at,
		 socklen_t size)
{
	k->fd = socket(at->ss_family,
		       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (k->fd < 0)
		return errno;
	if (connect(k->fd, (const struct sockaddr *)at, size) &&
	    errno != EINPROGRESS) {
		int error = errno;

		close(k->fd);
		k->fd = -1;
		return error;
	}
	return -bfs_loop_add(loop_of(k->probe->peer), k->fd, EPOLLOUT,
			     on_answer, k);
}

void bfs_peer_probe(struct bfs_peer *p, const void *address, size_t len)
{
	struct sockaddr_storage at[PORTS];
	socklen_t size[PORTS];
	unsigned n = read_ports(address, len, false, at, size);
	struct bfs_peer_probe *o;

	if (!n)
		n = read_ports(address, len, true, at, size);
	o = n && !p->probe ? calloc(1, sizeof(*o)) : NULL;
	if (!o)
		return;
	p->probe = o;
	o->peer = p;
	o->n = n;
	o->timer.fn = on_limit;
	o->timer.arg = o;
	bfs_loop_timer(loop_of(p), &o->timer, bfs_now() + LIMIT_NS);
	for (unsigned i = 0; i < n; i++) {
		o->knock[i].probe = o;
		o->knock[i].fd = -1;
	}
	for (unsigned i = 0; i < n && p->probe == o; i++) {
		int error = knock(&o->knock[i], &at[i], size[i]);

		if (error)
			heard(o, error);
	}
}
