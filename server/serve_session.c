/* SPDX-License-Identifier: BSD-3-Clause */
/* HELLO, CANCEL, STATS: what concerns the session and not the files. */
#include "core/log.h"
#include "core/stats.h"
#include "core/util.h"
#include "server/arena.h"
#include "server/fs.h"
#include "server/server.h"
#include "server/session.h"

#include <errno.h>
#include <string.h>

static const char *whose(const struct bfs_call *c, char *buf, size_t size)
{
	if (c->session && c->session->pid)
		snprintf(buf, size, "process %d", c->session->pid);
	else
		snprintf(buf, size, "a client over %s", c->port->ops->name);
	return buf;
}

/* 0 stands for "whatever you are": the client was told where to go only. */
static int check_same(const struct bfs_call *c, const char *what,
		      uint64_t theirs, uint64_t ours)
{
	char who[64];

	if (!theirs || theirs == ours)
		return 0;
	bfs_log(error,
		"%s refused: it wants %s %016llx, this daemon has %016llx",
		whose(c, who, sizeof(who)), what, (unsigned long long)theirs,
		(unsigned long long)ours);
	return -ECONNREFUSED;
}

/* Do we mean the same cluster, in the same words (F4)? */
static int check_hello(const struct bfs_call *c,
		       const struct bfs_hello_req *req)
{
	char who[64];
	int r;

	if (req->version != BFS_PROTO_VERSION) {
		bfs_log(error,
			"%s refused: it speaks protocol version %u, this "
			"daemon %u",
			whose(c, who, sizeof(who)), req->version,
			BFS_PROTO_VERSION);
		return -EPROTONOSUPPORT;
	}
	r = check_same(c, "cluster", req->cluster, c->server->cluster);
	if (r)
		return r;
	return check_same(c, "member list", req->list_hash,
			  c->server->list_hash);
}

/*
 * All clients of a node share its arenas, so one daemon serves them: the lowest
 * of the node's.  Who knows the list of members may ask any for its counters.
 */
static int check_node(const struct bfs_call *c, const struct bfs_hello_req *req)
{
	const struct bfs_session *named =
		bfs_session_find(c->server, req->session);
	const struct bfs_server *s = c->server;
	char who[64];

	if (named && named->far)
		return 0; /* another node's, for data (direct.h) */
	if (s->nshards <= 1 || req->list_hash || !s->same_node)
		return 0;
	for (unsigned n = 0; n < s->shard; n++) {
		if (!s->same_node(s, n))
			continue;
		bfs_log(error,
			"%s refused: the clients of this node belong to the "
			"daemon of shard %u, not to that of shard %u",
			whose(c, who, sizeof(who)), n, s->shard);
		return -ECONNREFUSED;
	}
	return 0;
}

/* Over a port whose clients have a session already. */
static int greet_attached(struct bfs_call *c, const struct bfs_hello_req *req)
{
	const struct bfs_port_ops *ops = c->port->ops;
	int r = bfs_session_attach(c, req->session, req->ticket,
				   req->generation);

	if (r)
		return r;
	r = ops->attach(c, req->address);
	if (!r)
		c->session->attached = c->port;
	return r;
}

/* The port has made c->session for this connection. */
static int greet(struct bfs_call *c, const struct bfs_hello_req *req)
{
	if (!c->session || c->session->greeted) {
		bfs_log(warn, "hello refused: the session has begun before");
		return -EPROTO;
	}
	/* One we do not know, since we started anew: the client sees from the
	 * answer that it has a new one. */
	if (req->session && bfs_session_find(c->server, req->session))
		return bfs_session_resume(c, req->session, req->ticket,
					  req->generation);
	/* An older one of its process, from before an exec, nobody will ask
	 * for. */
	bfs_session_is_back(c->server, c->session->pid);
	c->session->generation = req->generation;
	c->session->greeted = true;
	bfs_session_note(c->session);
	return 0;
}

static int arena_ino(struct bfs_call *c, uint64_t *ino)
{
	int arena_fd, empty_fd;

	*ino = 0;
	if (!c->port->ops->passes_fds)
		return 0;
	return bfs_arenas_get(c->server->arenas, c->cred->uid, &arena_fd,
			      &empty_fd, ino);
}

int bfs_serve_hello(struct bfs_call *c, const struct bfs_hello_req *req,
		    struct bfs_hello_rep *rep)
{
	const struct bfs_server *s = c->server;
	int r = check_hello(c, req);

	if (!r)
		r = check_node(c, req);
	/* What can fail comes before the session is touched. */
	if (!r)
		r = arena_ino(c, &rep->arena_ino);
	if (!r)
		r = c->port->ops->attach ? greet_attached(c, req)
					 : greet(c, req);
	if (r)
		return r;
	c->session->cpu = req->cpu;
	rep->cluster = s->cluster;
	rep->session = c->session->id;
	rep->ticket = c->session->ticket;
	rep->data_dev = bfs_fs_data_dev(s->fs);
	rep->features =
		s->pass && c->port->ops->passes_fds ? BFS_FEATURE_PASS : 0;
	if (s->journal)
		rep->features |= BFS_FEATURE_JOURNAL;
	rep->spin_us = (uint32_t)s->config.network.spin_us;
	rep->timeout_ms = (uint32_t)s->config.network.timeout_secs * 1000;
	rep->root = bfs_fs_root(s->fs);
	return 0;
}

int bfs_serve_cancel(struct bfs_call *c, const struct bfs_cancel_req *req,
		     struct bfs_cancel_rep *rep)
{
	return req->id ? bfs_session_cancel(c, req->id) : 0;
}

/* Our own counter plus what clients reported. */
static uint64_t total(const struct bfs_server *s, unsigned i)
{
	uint64_t own;

	memcpy(&own, (const uint64_t *)&bfs_stats + i, sizeof(own));
	return own + (s->arenas ? bfs_arenas_stat(s->arenas, i) : 0);
}

int bfs_serve_stats(struct bfs_call *c, const struct bfs_stats_req *req,
		    struct bfs_stats_rep *rep)
{
	struct bfs_wire w;

	if (c->in_cap < BFS_STAT_COUNT * sizeof(uint64_t))
		return -ERANGE;
	bfs_wire_init(&w, c->in, c->in_cap);
	for (unsigned i = 0; i < BFS_STAT_COUNT; i++)
		bfs_put_u64(&w, total(c->server, i));
	c->in_len = BFS_STAT_COUNT * sizeof(uint64_t);
	rep->count = BFS_STAT_COUNT;
	return 0;
}
