/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/registrar.h"

#include "core/log.h"
#include "core/registrar.h"
#include "core/util.h"
#include "server/bind.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <utlist.h>

#define TOLD 20	   /* strangers that the log names; it must not fill a disk */
#define CALLERS 64 /* at once; more wait in the listening socket */

struct caller {
	struct bfs_registrar *r;
	int fd;
	uint8_t nonce[BFS_NONCE_LEN], ask[BFS_ASK_LEN];
	size_t have;
	uint8_t *reply; /* NULL: the question is not complete */
	size_t len, sent;
	struct bfs_timer timer;
	struct caller *prev, *next;
	char who[80];
};

struct bfs_registrar {
	struct bfs_loop *loop;
	const struct bfs_members *list;
	int fd;
	struct caller *callers;
	unsigned n, told;
};

static void on_listen(void *arg, uint32_t events);

static void drop(struct caller *c)
{
	struct bfs_registrar *r = c->r;

	bfs_loop_timer(r->loop, &c->timer, 0);
	bfs_loop_del(r->loop, c->fd);
	close(c->fd);
	DL_DELETE(r->callers, c);
	if (r->n-- == CALLERS)
		bfs_loop_add(r->loop, r->fd, EPOLLIN, on_listen, r);
	free(c->reply);
	free(c);
}

static void on_late(struct bfs_timer *t)
{
	drop(t->arg);
}

/* Who asks wrongly is told so; what he gets says nothing. */
static int check(const struct caller *c, const struct bfs_ask *ask)
{
	const struct bfs_members *l = c->r->list;
	uint32_t ours = bfs_secret_id(l->secret);

	if (ask->key == ours &&
	    ask->mac ==
		    bfs_registrar_mac(l->secret, c->nonce, ask->nonce, NULL, 0))
		return l->record ? 0 : ENOENT;
	if (c->r->told++ < TOLD)
		bfs_log(warn,
			"%s refused: it claims the secret number %08x%s, we "
			"have %08x",
			c->who, ask->key,
			ask->key == ours ? " and does not have it" : "", ours);
	return EACCES;
}

static int make_reply(struct caller *c)
{
	const struct bfs_members *l = c->r->list;
	struct bfs_ask ask = bfs_ask_get(c->ask);
	struct bfs_record_reply rep = { .status = (uint32_t)check(c, &ask) };

	if (!rep.status)
		rep.len = (uint32_t)l->record_len;
	c->len = BFS_REPLY_HEAD_LEN + rep.len;
	c->reply = malloc(c->len);
	if (!c->reply)
		return -ENOMEM;
	if (rep.len) {
		memcpy(c->reply + BFS_REPLY_HEAD_LEN, l->record, rep.len);
		rep.mac = bfs_registrar_mac(l->secret, c->nonce, ask.nonce,
					    l->record, rep.len);
	}
	bfs_record_reply_put(c->reply, &rep);
	return 0;
}

/* More of the question, or of the answer: 0 when all is done. */
static int serve(struct caller *c)
{
	while (c->have < sizeof(c->ask)) {
		ssize_t n = recv(c->fd, c->ask + c->have,
				 sizeof(c->ask) - c->have, 0);

		if (n <= 0)
			return n < 0 ? -errno : -ECONNRESET;
		c->have += (size_t)n;
	}
	if (!c->reply) {
		int r = make_reply(c);

		if (r)
			return r;
	}
	while (c->sent < c->len) {
		ssize_t n = send(c->fd, c->reply + c->sent, c->len - c->sent,
				 MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		c->sent += (size_t)n;
	}
	return 0;
}

static void on_caller(void *arg, uint32_t events)
{
	struct caller *c = arg;
	int r = serve(c);

	if (r == -EINTR)
		return;
	if (r != -EAGAIN) {
		drop(c);
		return;
	}
	if (!c->reply)
		return;
	/* The rest of a long record, when there is room. */
	bfs_loop_del(c->r->loop, c->fd);
	if (bfs_loop_add(c->r->loop, c->fd, EPOLLOUT, on_caller, c))
		drop(c);
}

static int greet(struct caller *c)
{
	struct bfs_greeting g = { .magic = BFS_REGISTRAR_MAGIC,
				  .version = BFS_REGISTRAR_VERSION,
				  .key = bfs_secret_id(c->r->list->secret) };
	uint8_t buf[BFS_GREETING_LEN];

	if (getrandom(c->nonce, sizeof(c->nonce), 0) != sizeof(c->nonce))
		return -EIO;
	memcpy(g.nonce, c->nonce, sizeof(g.nonce));
	bfs_greeting_put(buf, &g);
	if (send(c->fd, buf, sizeof(buf), MSG_NOSIGNAL) != sizeof(buf))
		return -EIO;
	return bfs_loop_add(c->r->loop, c->fd, EPOLLIN, on_caller, c);
}

static void name_caller(struct caller *c, const struct sockaddr_storage *a,
			socklen_t len)
{
	char host[64];

	if (getnameinfo((const struct sockaddr *)a, len, host, sizeof(host),
			NULL, 0, NI_NUMERICHOST))
		strcpy(host, "?");
	snprintf(c->who, sizeof(c->who), "a caller at %s", host);
}

static void admit(struct bfs_registrar *r, int fd,
		  const struct sockaddr_storage *a, socklen_t len)
{
	struct caller *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return;
	}
	c->r = r;
	c->fd = fd;
	c->timer.fn = on_late;
	c->timer.arg = c;
	name_caller(c, a, len);
	DL_APPEND(r->callers, c);
	if (++r->n == CALLERS)
		bfs_loop_del(r->loop, r->fd);
	bfs_loop_timer(r->loop, &c->timer, bfs_now() + BFS_REGISTRAR_NS);
	if (greet(c))
		drop(c);
}

static void on_listen(void *arg, uint32_t events)
{
	struct bfs_registrar *r = arg;

	while (r->n < CALLERS) {
		struct sockaddr_storage a;
		socklen_t len = sizeof(a);
		int fd = accept4(r->fd, (struct sockaddr *)&a, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		admit(r, fd, &a, len);
	}
}

/* The member's port, at bind_addr or at the member's own address. */
static int find_address(const struct bfs_members *l, unsigned shard,
			const char *bind_addr, struct sockaddr_storage *a)
{
	struct bfs_bind b;
	in_port_t port;
	int r;

	*a = *bfs_hosts_address(l, shard);
	if (!*bind_addr)
		return 0;
	r = bfs_bind_find(&b, bind_addr, a->ss_family);
	if (r)
		return r;
	port = a->ss_family == AF_INET ? ((struct sockaddr_in *)a)->sin_port
				       : ((struct sockaddr_in6 *)a)->sin6_port;
	*a = b.addr;
	if (a->ss_family == AF_INET)
		((struct sockaddr_in *)a)->sin_port = port;
	else
		((struct sockaddr_in6 *)a)->sin6_port = port;
	return 0;
}

static int open_socket(struct bfs_registrar *r, unsigned shard,
		       const char *bind_addr)
{
	struct sockaddr_storage a;
	int on = 1, e = find_address(r->list, shard, bind_addr, &a);

	if (e)
		return e;
	r->fd = socket(a.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       0);
	if (r->fd < 0)
		return -errno;
	(void)setsockopt(r->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(r->fd, (struct sockaddr *)&a,
		 a.ss_family == AF_INET ? sizeof(struct sockaddr_in)
					: sizeof(struct sockaddr_in6)) ||
	    listen(r->fd, SOMAXCONN))
		return -errno;
	return bfs_loop_add(r->loop, r->fd, EPOLLIN, on_listen, r);
}

int bfs_registrar_new(struct bfs_registrar **out, struct bfs_loop *loop,
		      const struct bfs_members *l, unsigned shard,
		      const char *bind_addr)
{
	struct bfs_registrar *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->loop = loop;
	r->list = l;
	r->fd = -1;
	e = open_socket(r, shard, bind_addr);
	if (e) {
		bfs_log(error,
			"cannot listen for %s (network.bind_addr \"%s\"): %s",
			l->m[shard].name, bind_addr, strerror(-e));
		if (r->fd >= 0)
			close(r->fd);
		free(r);
		return e;
	}
	*out = r;
	return 0;
}

void bfs_registrar_free(struct bfs_registrar *r)
{
	struct caller *c, *next;

	if (!r)
		return;
	DL_FOREACH_SAFE(r->callers, c, next)
	drop(c);
	bfs_loop_del(r->loop, r->fd);
	close(r->fd);
	free(r);
}
