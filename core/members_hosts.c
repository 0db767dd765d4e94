/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Members find each other by a fixed list of host:port, or name@host:port:
 * each hands out its record there (registrar.h).  A look-up goes on, as far as
 * it can without waiting, each time it is asked for.
 */
#include "core/cluster.h"
#include "core/registrar.h"
#include "core/siphash.h"
#include "core/util.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

struct ask {	     /* a member */
	char *where; /* host:port, for messages */
	struct sockaddr_storage addr;
	int fd; /* -1: not asking */
	enum { CONNECTING, GREETING, HEAD, RECORD } state;
	uint64_t until;
	uint8_t member[BFS_NONCE_LEN], asker[BFS_NONCE_LEN];
	struct bfs_record_reply reply;
	uint8_t *buf; /* BFS_RECORD_MAX */
	size_t have;
};

static socklen_t length(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					: sizeof(struct sockaddr_in);
}

const struct sockaddr_storage *bfs_hosts_address(const struct bfs_members *l,
						 unsigned shard)
{
	const struct ask *asks = l->priv;

	return l->ops == &bfs_members_hosts ? &asks[shard].addr : NULL;
}

/* "host:port" or "[::1]:port", which is cut into two. */
static int split(char *text, char **host, char **port)
{
	char *colon = strrchr(text, ':');
	size_t len;

	if (!colon || colon == text || !colon[1])
		return -EINVAL;
	*colon = '\0';
	*host = text;
	*port = colon + 1;
	len = strlen(text);
	if (*text == '[' && text[len - 1] == ']') {
		text[len - 1] = '\0';
		*host = text + 1;
	}
	return 0;
}

static int resolve(struct ask *a, const char *where, char *err)
{
	static const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					       .ai_flags = AI_NUMERICSERV };
	BFS_AUTOFREE char *text = strdup(where);
	char *host, *port;
	struct addrinfo *found;
	int r;

	a->where = strdup(where);
	if (!text || !a->where)
		return bfs_members_fail(-ENOMEM, err, "out of memory");
	if (split(text, &host, &port))
		return bfs_members_fail(-EINVAL, err,
					"network.peers: \"%s\" is not of the "
					"form host:port or name@host:port",
					where);
	r = getaddrinfo(host, port, &hints, &found);
	if (r)
		return bfs_members_fail(-EINVAL, err, "network.peers: %s: %s",
					where, gai_strerror(r));
	memcpy(&a->addr, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

/* The name of an entry, and where it is reached. */
static int add_entry(struct bfs_members *l, char *entry, char *err)
{
	char *at = strchr(entry, '@');

	if (at)
		*at = '\0';
	/* until the list is sorted, run_dir keeps where it is */
	return bfs_members_add(l, entry, "", at ? at + 1 : entry, "", err);
}

static int add_entries(struct bfs_members *l, const char *peers, char *err)
{
	BFS_AUTOFREE char *list = strdup(peers);
	char *save = NULL;
	int r = list ? 0 : bfs_members_fail(-ENOMEM, err, "out of memory");

	for (char *e = list ? strtok_r(list, ", ", &save) : NULL; !r && e;
	     e = strtok_r(NULL, ", ", &save))
		r = add_entry(l, e, err);
	return r;
}

static int make_asks(struct bfs_members *l, char *err)
{
	struct ask *asks = calloc(l->n, sizeof(*asks));
	int r = 0;

	if (!asks)
		return bfs_members_fail(-ENOMEM, err, "out of memory");
	l->priv = asks;
	for (unsigned i = 0; i < l->n; i++)
		asks[i].fd = -1;
	for (unsigned i = 0; !r && i < l->n; i++) {
		r = resolve(&asks[i], l->m[i].run_dir, err);
		l->m[i].run_dir[0] = '\0';
	}
	return r;
}

static int read_secret(struct bfs_members *l, const struct bfs_config *c,
		       char *err)
{
	BFS_AUTOFREE char *path = NULL;

	if (*c->network.secret_file)
		path = strdup(c->network.secret_file);
	else if (!*c->network.registry_dir)
		return bfs_members_fail(-EINVAL, err,
					"network.peers needs "
					"network.secret_file: a file of mode "
					"0600 with %d hex digits, the same on "
					"all nodes",
					2 * BFS_SECRET_LEN);
	else if (asprintf(&path, "%s/secret", c->network.registry_dir) < 0)
		path = NULL;
	if (!path)
		return bfs_members_fail(-ENOMEM, err, "out of memory");
	return bfs_secret_read(path, l->secret, err);
}

static int load(struct bfs_members *l, const struct bfs_config *c, char *err)
{
	static const char label[] = "benchfs cluster id";
	int r = read_secret(l, c, err);

	if (r)
		return r;
	l->cluster = bfs_siphash(l->secret, label, sizeof(label)) | 1;
	l->epoch = 1;
	r = add_entries(l, c->network.peers, err);
	if (!r)
		r = bfs_members_sort(l, err);
	return r ? r : make_asks(l, err);
}

/* The daemon's registrar hands out l->record. */
static int publish(struct bfs_members *l, char *err)
{
	return 0;
}

static void withdraw(struct bfs_members *l)
{
}

static void give_up(struct ask *a)
{
	if (a->fd >= 0)
		close(a->fd);
	free(a->buf);
	a->buf = NULL;
	a->fd = -1;
}

static int begin(struct ask *a, char *err)
{
	a->fd = socket(a->addr.ss_family,
		       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	a->buf = malloc(BFS_RECORD_MAX);
	if (a->fd < 0 || !a->buf ||
	    getrandom(a->asker, sizeof(a->asker), 0) != sizeof(a->asker))
		return bfs_members_fail(-ENOMEM, err, "%s: cannot be asked: %m",
					a->where);
	a->state = CONNECTING;
	a->have = 0;
	a->until = bfs_now() + BFS_REGISTRAR_NS;
	if (connect(a->fd, (struct sockaddr *)&a->addr, length(&a->addr)) &&
	    errno != EINPROGRESS)
		return bfs_members_fail(errno == ECONNREFUSED ? -ENOENT
							      : -errno,
					err, "%s: %m", a->where);
	return 0;
}

static int connected(struct ask *a, char *err)
{
	struct pollfd p = { a->fd, POLLOUT, 0 };
	int e = 0;
	socklen_t len = sizeof(e);

	if (poll(&p, 1, 0) <= 0)
		return -EAGAIN;
	if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &e, &len))
		e = errno;
	if (e) /* nobody listens there: not yet, or not any more */
		return bfs_members_fail(e == ECONNREFUSED ? -ENOENT : -e, err,
					"%s: %s", a->where, strerror(e));
	a->state = GREETING;
	return 0;
}

/* want bytes, from the buffer's begin: 0, -EAGAIN or -errno. */
static int receive(struct ask *a, size_t want, char *err)
{
	while (a->have < want) {
		ssize_t n = recv(a->fd, a->buf + a->have, want - a->have, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return -EAGAIN;
		if (n < 0)
			return bfs_members_fail(-errno, err, "%s: %m",
						a->where);
		if (!n)
			return bfs_members_fail(-ECONNRESET, err,
						"%s: closed the connection",
						a->where);
		a->have += (size_t)n;
	}
	a->have = 0;
	return 0;
}

static int answer_greeting(struct bfs_members *l, struct ask *a, char *err)
{
	uint32_t ours = bfs_secret_id(l->secret);
	struct bfs_ask ask = { .key = ours };
	uint8_t buf[BFS_ASK_LEN];
	struct bfs_greeting g;
	int r = receive(a, BFS_GREETING_LEN, err);

	if (r)
		return r;
	g = bfs_greeting_get(a->buf);
	if (g.magic != BFS_REGISTRAR_MAGIC ||
	    g.version != BFS_REGISTRAR_VERSION)
		return bfs_members_fail(-ESTALE, err,
					"%s: is not a benchfsd of version %d "
					"of this exchange",
					a->where, BFS_REGISTRAR_VERSION);
	if (g.key != ours)
		return bfs_members_fail(-ESTALE, err,
					"%s: has the secret number %08x, we "
					"have %08x",
					a->where, g.key, ours);
	memcpy(a->member, g.nonce, sizeof(a->member));
	memcpy(ask.nonce, a->asker, sizeof(ask.nonce));
	ask.mac = bfs_registrar_mac(l->secret, a->member, a->asker, NULL, 0);
	bfs_ask_put(buf, &ask);
	/* 40 bytes into an empty socket */
	if (send(a->fd, buf, sizeof(buf), MSG_NOSIGNAL) != sizeof(buf))
		return bfs_members_fail(-EIO, err, "%s: %m", a->where);
	a->state = HEAD;
	return 0;
}

static int take_head(struct ask *a, char *err)
{
	int r = receive(a, BFS_REPLY_HEAD_LEN, err);

	if (r)
		return r;
	a->reply = bfs_record_reply_get(a->buf);
	if (a->reply.status == ENOENT)
		return bfs_members_fail(-ENOENT, err, "%s: not ready",
					a->where);
	if (a->reply.status || a->reply.len > BFS_RECORD_MAX)
		return bfs_members_fail(-ESTALE, err, "%s: refuses us: %s",
					a->where,
					strerror((int)a->reply.status));
	a->state = RECORD;
	return 0;
}

static int take_record(struct bfs_members *l, struct ask *a, char *err)
{
	int r = receive(a, a->reply.len, err);

	if (r)
		return r;
	if (bfs_registrar_mac(l->secret, a->member, a->asker, a->buf,
			      a->reply.len) != a->reply.mac)
		return bfs_members_fail(
			-ESTALE, err, "%s: does not have our secret", a->where);
	return 0;
}

/* As far as it goes: 0 when the record is in buf. */
static int go_on(struct bfs_members *l, struct ask *a, char *err)
{
	int r = 0;

	if (a->state == CONNECTING)
		r = connected(a, err);
	if (!r && a->state == GREETING)
		r = answer_greeting(l, a, err);
	if (!r && a->state == HEAD)
		r = take_head(a, err);
	if (!r)
		r = take_record(l, a, err);
	if (r == -EAGAIN && bfs_now() >= a->until)
		return bfs_members_fail(-ETIMEDOUT, err, "%s: does not answer",
					a->where);
	return r;
}

static int fetch(struct bfs_members *l, unsigned shard, void **record,
		 size_t *len, const char **from, char *err)
{
	struct ask *a = &((struct ask *)l->priv)[shard];
	int r = 0;

	*from = a->where;
	if (a->fd < 0)
		r = begin(a, err);
	if (!r)
		r = go_on(l, a, err);
	if (r == -EAGAIN)
		return bfs_members_fail(r, err, "%s: is being asked", a->where);
	if (!r) {
		*record = a->buf;
		*len = a->reply.len;
		a->buf = NULL;
	}
	give_up(a);
	return r;
}

static void fini(struct bfs_members *l)
{
	struct ask *asks = l->priv;

	for (unsigned i = 0; asks && i < l->n; i++) {
		give_up(&asks[i]);
		free(asks[i].where);
	}
	free(asks);
}

const struct bfs_members_ops bfs_members_hosts = {
	.name = "hosts",
	.load = load,
	.publish = publish,
	.withdraw = withdraw,
	.fetch = fetch,
	.fini = fini,
};
