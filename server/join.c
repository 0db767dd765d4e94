/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/join.h"

#include "core/log.h"
#include "core/members.h"
#include "core/place.h"
#include "core/util.h"
#include "server/bind.h"
#include "server/registrar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* How often to look: the longer it has taken, the less often. */
#define LOOK_MIN_NS 2000000ull
#define LOOK_MAX_NS 250000000ull

struct bfs_join {
	struct bfs_server *server;
	struct bfs_registrar *registrar; /* NULL: not needed */
	struct bfs_timer timer;
	uint64_t since, until;
	void (*done)(struct bfs_server *s);
	char err[BFS_MEMBERS_ERR]; /* why the last one was not found */
};

/* Greater at each start, as long as the node's clock is about right. */
static uint64_t incarnation(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int be_alone(struct bfs_server *s)
{
	s->nshards = 1;
	s->list_hash = BFS_LIST_ALONE;
	s->incarnation = incarnation();
	if (getrandom(s->secret, sizeof(s->secret), 0) != sizeof(s->secret) ||
	    getrandom(&s->cluster, sizeof(s->cluster), 0) != sizeof(s->cluster))
		return -EIO;
	return 0;
}

static int find_self(struct bfs_server *s)
{
	const char *name = s->config.node.member;
	int shard = bfs_members_find(s->members, name);

	if (!*name) {
		bfs_log(error, "node.member is needed in a cluster: which of "
			       "the members is this?");
		return -EINVAL;
	}
	if (shard < 0) {
		bfs_log(error,
			"node.member: \"%s\" is not one of the %u members, %s "
			"to %s",
			name, s->members->n, s->members->m[0].name,
			s->members->m[s->members->n - 1].name);
		return -EINVAL;
	}
	s->shard = (unsigned)shard;
	return 0;
}

static int make_ring(struct bfs_server *s)
{
	const struct bfs_members *l = s->members;
	BFS_AUTOFREE const char **names = calloc(l->n, sizeof(*names));

	if (!names)
		return -ENOMEM;
	for (unsigned i = 0; i < l->n; i++)
		names[i] = l->m[i].name;
	return bfs_place_new(&s->place, names, l->n);
}

/* A record is small and read anew each time: a peer may have been started
 * since. */
static int address(struct bfs_server *s, unsigned shard, const void **addr,
		   size_t *len, uint64_t *incarnation)
{
	const struct bfs_member *m = &s->members->m[shard];
	char err[BFS_MEMBERS_ERR];
	int r = bfs_members_lookup(s->members, shard, err);

	if (r && r != -EAGAIN && r != -ENOENT)
		bfs_log(warn, "member %s: %s", m->name, err);
	/* what is known may still be right */
	if (r && !m->known)
		return r;
	*addr = m->address;
	*len = m->address_len;
	*incarnation = m->incarnation;
	return 0;
}

static int be_member(struct bfs_server *s)
{
	const struct bfs_members *l = s->members;
	int r = find_self(s);

	s->join = r ? NULL : calloc(1, sizeof(*s->join));
	if (!s->join)
		return r ? r : -ENOMEM;
	s->join->server = s;
	s->nshards = l->n;
	s->cluster = l->cluster;
	s->list_hash = l->hash;
	s->incarnation = incarnation();
	s->peer_address = address;
	memcpy(s->secret, l->secret, sizeof(s->secret));
	r = l->n > 1 ? make_ring(s) : 0;
	return r ? r : bfs_bind_ucx(s->config.network.bind_addr);
}

int bfs_join_identify(struct bfs_server *s)
{
	char err[BFS_MEMBERS_ERR];
	int r = bfs_members_load(&s->members, &s->config, err);

	if (r) {
		bfs_log(error, "%s", err);
		return r == -ENOMEM ? r : -EINVAL;
	}
	return s->members ? be_member(s) : be_alone(s);
}

static const char *node_of(const struct bfs_server *s, char *buf, size_t size)
{
	if (*s->config.node.node_id)
		return s->config.node.node_id;
	if (gethostname(buf, size))
		strcpy(buf, "?");
	buf[size - 1] = '\0';
	return buf;
}

static int publish(struct bfs_server *s, const void *address, size_t len)
{
	char host[256], err[BFS_MEMBERS_ERR];
	struct bfs_member us = {
		.node = (char *)node_of(s, host, sizeof(host)),
		.run_dir = s->run_dir,
		.data_dir = s->config.node.data_dir,
		.incarnation = s->incarnation,
		.pid = (uint32_t)getpid(),
		.address = (void *)address,
		.address_len = len,
	};
	int r = bfs_members_publish(s->members, s->shard, &us, err);

	if (r)
		bfs_log(error, "%s", err);
	return r;
}

int bfs_join_publish(struct bfs_server *s, const void *address, size_t len)
{
	return s->members ? publish(s, address, len) : 0;
}

/* Is it of no use to ask again? */
static bool is_final(int r)
{
	return r == -ESTALE || r == -EBADMSG || r == -EACCES || r == -EINVAL ||
	       r == -EFBIG || r == -ENOMEM;
}

/* How many are missing; -errno: they will never come. */
static int look(struct bfs_join *j)
{
	struct bfs_members *l = j->server->members;
	int missing = 0;

	for (unsigned i = 0; i < l->n; i++) {
		int r = l->m[i].known ? 0 : bfs_members_lookup(l, i, j->err);

		if (is_final(r)) {
			bfs_log(error, "member %s cannot be believed: %s",
				l->m[i].name, j->err);
			return -EINVAL;
		}
		missing += r != 0;
	}
	return missing;
}

static void fail(struct bfs_server *s, int e, const char *why)
{
	s->failed = e;
	s->stop = why;
}

/* Who is missing: the first few, and how many. */
static void tell_late(const struct bfs_join *j, int missing)
{
	const struct bfs_members *l = j->server->members;
	char names[400];
	size_t n = 0;
	int shown = 0;

	for (unsigned i = 0; i < l->n && n < sizeof(names) / 2; i++) {
		if (l->m[i].known)
			continue;
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
				      n ? ", " : "", l->m[i].name);
		shown++;
	}
	bfs_log(error,
		"%d of %u members have not come up within %llu seconds: "
		"%s%s (%s)",
		missing, l->n,
		(unsigned long long)j->server->config.network.join_secs, names,
		shown < missing ? "..." : "", j->err);
}

static void on_look(struct bfs_timer *t)
{
	struct bfs_join *j = t->arg;
	struct bfs_server *s = j->server;
	uint64_t now = bfs_now(), wait = (now - j->since) / 8;
	int missing = look(j);

	if (missing < 0) {
		fail(s, missing, "a member cannot be believed");
	} else if (!missing) {
		bfs_log(info, "all %u members are there, we are shard %u",
			s->nshards, s->shard);
		j->done(s);
	} else if (now >= j->until) {
		tell_late(j, missing);
		fail(s, -ETIMEDOUT, "not all members have come up");
	} else {
		wait = BFS_MAX(BFS_MIN(wait, LOOK_MAX_NS), LOOK_MIN_NS);
		bfs_loop_timer(s->loop, t, now + wait);
	}
}

int bfs_join_start(struct bfs_server *s, void (*done)(struct bfs_server *s))
{
	struct bfs_join *j = s->join;
	int r = 0;

	if (s->members->ops == &bfs_members_hosts)
		r = bfs_registrar_new(&j->registrar, s->loop, s->members,
				      s->shard, s->config.network.bind_addr);
	if (r)
		return r;
	j->done = done;
	j->timer.fn = on_look;
	j->timer.arg = j;
	j->since = bfs_now();
	j->until = j->since + s->config.network.join_secs * 1000000000ull;
	bfs_loop_timer(s->loop, &j->timer, j->since);
	return 0;
}

void bfs_join_stop(struct bfs_server *s)
{
	if (s->join) {
		if (s->loop)
			bfs_loop_timer(s->loop, &s->join->timer, 0);
		bfs_registrar_free(s->join->registrar);
		free(s->join);
	}
	if (s->members) {
		bfs_members_withdraw(s->members);
		bfs_members_free(s->members);
	}
	bfs_place_free(s->place);
	s->join = NULL;
	s->members = NULL;
	s->place = NULL;
}
