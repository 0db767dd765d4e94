/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/cluster_unit.h"

#include "core/place.h"
#include "core/util.h"
#include "server/arena.h"
#include "server/cluster.h"
#include "server/fs.h"
#include "server/inode.h"
#include "server/journal.h"
#include "server/serve_lock.h"
#include "server/stripe.h"
#include "server/stripe_space.h"
#include "server/tx.h"
#include "server/tx_log.h"
#include "server/txp.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define DELAY_MIN_NS 1000u
#define DELAY_MAX_NS (2 * CLUSTER_UNIT_DELAY_NS - DELAY_MIN_NS)
#define SWEEP_NS 500000000ull
#define HOUR 3600000000000ull

struct cluster_call {
	struct bfs_call call;
	bool done;
	uint8_t rep[BFS_FIELDS_MAX];
	uint8_t in[CLUSTER_IN];
};

static void on_reply(struct bfs_call *c)
{
	struct cluster_call *cc = (struct cluster_call *)c;

	cc->done = true;
}

static const struct bfs_port_ops port_ops = { .name = "unit",
					      .reply = on_reply };
static struct bfs_port port = { .ops = &port_ops };

/* As daemon.c does. */
static void attach_journal(struct bfs_server *s)
{
	s->journal = s->fs->journal;
	s->journal->server = s;
	bfs_session_restore(s);
	bfs_tx_log_restore(s);
}

static void drop_far(void *arg, uint64_t ino)
{
	bfs_stripe_drop(arg, ino);
}

static void start_server(struct cluster_unit *u, unsigned i)
{
	struct bfs_server *s = &u->servers[i];
	struct bfs_fs_conf conf = { .cluster = 7,
				    .secret = "0123456789abcdef",
				    .shard = i,
				    .nshards = u->n,
				    .place = u->place,
				    .layout = u->conf.layout,
				    .journal = u->conf.journal,
				    .max_copies = u->conf.copies,
				    .drop_far = drop_far,
				    .arg_far = s,
				    .root_mode = 0777 };
	char data[96];

	snprintf(data, sizeof(data), "%s/%u", u->dir, i);
	conf.data_dir = data;
	s->config.network.timeout_secs = 30;
	s->loop = u->net ? bfs_ploop_loop(u->net) : NULL;
	s->cluster = 7;
	s->list_hash = 8;
	s->shard = i;
	s->nshards = u->n;
	s->node_first = u->node_first;
	s->incarnation += 1 << 20; /* more than there are versions */
	conf.incarnation = s->incarnation;
	s->remembers = u->conf.journal;
	s->peer_new = bfs_cluster_peer_new;
	s->arenas = bfs_arenas_new(s->secret);
	assert_non_null(s->arenas);
	assert_int_equal(bfs_fs_new(&s->fs, &conf), 0);
	bfs_stripe_restore(s);
	if (u->conf.turns)
		attach_journal(s);
	assert_int_equal(bfs_serve_lock_start(s), 0);
	if (u->net)
		assert_int_equal(bfs_ploop_join(u->net, s), 0);
	if (u->conf.journal)
		bfs_stripe_look(s, UINT_MAX);
	if (u->conf.turns)
		bfs_journal_forget_kept(s->journal);
	u->clients[i] = bfs_session_new(s, getpid(), &u->cred);
	assert_non_null(u->clients[i]);
}

static void make_ring(struct cluster_unit *u)
{
	const char **names = calloc(u->n, sizeof(*names));
	char *name;

	for (unsigned i = 0; i < u->n; i++) {
		assert_true(asprintf(&name, "d%u", i) > 0);
		names[i] = name;
	}
	assert_int_equal(bfs_place_new(&u->place, names, u->n), 0);
	for (unsigned i = 0; i < u->n; i++)
		free((char *)names[i]);
	free(names);
}

static void make_nodes(struct cluster_unit *u)
{
	unsigned each = u->conf.per_node ? u->conf.per_node : 1;

	u->node_first = calloc(u->n, sizeof(*u->node_first));
	assert_non_null(u->node_first);
	for (unsigned i = 0; i < u->n; i++)
		u->node_first[i] = (uint16_t)(i - i % each);
}

/* As daemons do: what was given up, and nobody was told. */
static void on_sweep(struct bfs_timer *t)
{
	struct cluster_unit *u = t->arg;

	for (unsigned i = 0; i < u->n; i++)
		if (u->servers[i].fs)
			bfs_txp_sweep(&u->servers[i]);
	bfs_loop_timer(bfs_ploop_loop(u->net), t, bfs_now() + SWEEP_NS);
}

static void make_net(struct cluster_unit *u)
{
	const struct cluster_unit_conf *c = &u->conf;

	u->net = bfs_ploop_new(&(struct bfs_ploop_config){
		.seed = c->seed,
		.shards = c->n,
		.delay_min_ns = DELAY_MIN_NS,
		.delay_max_ns =
			c->delay_max_ns ? c->delay_max_ns : DELAY_MAX_NS,
		.lose = c->lose,
		.duplicate = c->duplicate,
		.breaks = c->breaks,
		.stray = c->stray,
		.decide = c->decide,
		.arg = c->arg });
	assert_non_null(u->net);
}

struct cluster_unit *cluster_unit_with(const struct cluster_unit_conf *conf)
{
	struct cluster_unit *u = calloc(1, sizeof(*u));
	unsigned n = conf->n;
	const char *tmp = getenv("TMPDIR");
	struct rlimit lim;

	getrlimit(RLIMIT_NOFILE, &lim);
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
	snprintf(u->dir, sizeof(u->dir), "%.40s/bfs-unit-XXXXXX",
		 tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(u->dir));
	u->conf = *conf;
	u->n = n;
	u->servers = calloc(n, sizeof(*u->servers));
	u->clients = calloc(n, sizeof(*u->clients));
	u->cred = (struct bfs_cred){ .uid = geteuid(), .gid = getegid() };
	if (n > 1) { /* alone, all is answered at once */
		make_net(u);
		make_ring(u);
		make_nodes(u);
		u->sweep = (struct bfs_timer){ .fn = on_sweep, .arg = u };
	}
	for (unsigned i = 0; i < n; i++)
		start_server(u, i);
	if (conf->breaks || conf->stray || conf->decide)
		bfs_loop_timer(bfs_ploop_loop(u->net), &u->sweep,
			       bfs_now() + SWEEP_NS);
	return u;
}

struct cluster_unit *cluster_unit_new(unsigned n, uint64_t seed)
{
	return cluster_unit_with(&(struct cluster_unit_conf){
		.n = n, .seed = seed, .layout.policy = BFS_POLICY_WHOLE });
}

struct cluster_unit *cluster_unit_striped(unsigned n, uint64_t seed,
					  unsigned log2)
{
	return cluster_unit_with(&(struct cluster_unit_conf){
		.n = n,
		.seed = seed,
		.layout = { .policy = BFS_POLICY_STRIPE,
			    .chunk_log2 = log2 & 63 },
		.journal = true });
}

struct cluster_unit *cluster_unit_new_journal(unsigned n, uint64_t seed)
{
	return cluster_unit_with(
		&(struct cluster_unit_conf){ .n = n,
					     .seed = seed,
					     .layout.policy = BFS_POLICY_WHOLE,
					     .journal = true,
					     .turns = true });
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	return remove(path);
}

static void stop_server(struct cluster_unit *u, unsigned i)
{
	struct bfs_server *s = &u->servers[i];

	if (!s->fs)
		return;
	if (u->net)
		bfs_ploop_kill(u->net, s);
	if (u->net)
		bfs_tx_stop(s);
	s->journal = NULL;
	bfs_session_free_all(s);
	bfs_serve_lock_stop(s);
	bfs_fs_free(s->fs);
	s->fs = NULL;
	bfs_arenas_free(s->arenas);
	free(s->far_owners);
	s->far_owners = NULL;
	s->sessions = NULL;
}

void cluster_unit_kill(struct cluster_unit *u, unsigned node)
{
	struct bfs_journal *j = u->servers[node].fs->journal;

	if (j && !u->conf.turns)
		bfs_journal_flush(j);
	if (j && j->timer.at && u->conf.turns)
		bfs_loop_timer(u->servers[node].loop, &j->timer, 0);
	if (j)
		j->failed = -EIO; /* nothing more is written */
	stop_server(u, node);
}

void cluster_unit_start(struct cluster_unit *u, unsigned node)
{
	start_server(u, node);
}

static void turn(struct cluster_unit *u)
{
	for (unsigned i = 0; i < u->n; i++)
		if (u->servers[i].journal)
			bfs_journal_turn(u->servers[i].journal);
}

bool cluster_step(struct cluster_unit *u)
{
	bool more = bfs_ploop_step(u->net);

	turn(u);
	return more;
}

struct alarm {
	struct bfs_timer timer;
	bool over;
};

static void on_alarm(struct bfs_timer *t)
{
	struct alarm *a = t->arg;

	a->over = true;
}

void cluster_pass(struct cluster_unit *u, unsigned secs)
{
	while (secs--) {
		struct alarm a = { .timer.fn = on_alarm };

		a.timer.arg = &a;
		for (unsigned i = 0; i < u->n; i++)
			if (u->servers[i].fs)
				bfs_cluster_sweep(&u->servers[i]);
		bfs_loop_timer(bfs_ploop_loop(u->net), &a.timer,
			       bfs_now() + 1000000000u);
		while (!a.over && cluster_step(u))
			;
	}
}

void cluster_unit_free(struct cluster_unit *u)
{
	if (u->sweep.at)
		bfs_loop_timer(bfs_ploop_loop(u->net), &u->sweep, 0);
	for (unsigned i = 0; i < u->n; i++)
		stop_server(u, i);
	if (u->net)
		bfs_ploop_free(u->net);
	if (u->place)
		bfs_place_free(u->place);
	nftw(u->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(u->servers);
	free(u->clients);
	free(u->node_first);
	free(u);
}

struct cluster_call *cluster_start(struct cluster_unit *u, unsigned node,
				   uint32_t op, const uint8_t *fields,
				   size_t len)
{
	struct cluster_call *cc = calloc(1, sizeof(*cc));
	struct bfs_call *c = &cc->call;
	struct bfs_wire w;

	c->server = &u->servers[node];
	c->session = u->clients[node];
	c->cred = &u->cred;
	c->port = &port;
	c->rep = cc->rep;
	c->in = cc->in;
	c->in_cap = sizeof(cc->in);
	c->out = u->out;
	c->out_len = u->out_len;
	u->out = NULL;
	u->out_len = 0;
	bfs_wire_init(&w, c->req, sizeof(c->req));
	bfs_put_req_head(&w,
			 &(struct bfs_req_head){ .op = op,
						 .deadline_ms = 30000,
						 .id = ++u->next_id,
						 .session = c->session->id });
	memcpy(w.pos, fields, len);
	c->req_len = BFS_REQ_HEAD_LEN + len;
	bfs_serve(c);
	turn(u);
	return cc;
}

bool cluster_done(const struct cluster_call *cc)
{
	return cc->done;
}

int cluster_finish(struct cluster_unit *u, struct cluster_call *cc)
{
	struct bfs_rep_head h;
	struct bfs_wire w;
	uint64_t until;

	until = bfs_now() + HOUR;
	while (!cc->done && bfs_now() <= until && cluster_step(u))
		;
	assert_true(cc->done);
	bfs_wire_init(&w, cc->rep, cc->call.rep_len);
	h = bfs_get_rep_head(&w);
	assert_int_equal(bfs_wire_end(&w), 0);
	memcpy(u->rep, cc->rep, cc->call.rep_len);
	memcpy(u->in, cc->in, cc->call.in_len);
	u->in_len = cc->call.in_len;
	free(cc);
	return -(int)h.status;
}

#define RPC(num, NAME, name, flags, reqf, repf) \
	int cluster_##name(struct cluster_unit *u, unsigned node, \
			   const struct bfs_##name##_req *req, \
			   struct bfs_##name##_rep *rep) \
	{ \
		uint8_t fields[BFS_FIELDS_MAX - BFS_REQ_HEAD_LEN]; \
		struct bfs_wire w; \
		int r; \
\
		bfs_wire_init(&w, fields, sizeof(fields)); \
		assert_int_equal(bfs_##name##_req_put(&w, req), 0); \
		r = cluster_finish(u, \
				   cluster_start(u, node, num, fields, \
						 (size_t)(w.pos - fields))); \
		if (r) \
			return r; \
		bfs_wire_init(&w, u->rep + BFS_REP_HEAD_LEN, \
			      sizeof(u->rep) - BFS_REP_HEAD_LEN); \
		assert_int_equal(bfs_##name##_rep_get(&w, rep), 0); \
		return 0; \
	}
#include "core/proto.def"
#undef RPC

struct bfs_handle cluster_root(struct cluster_unit *u)
{
	return bfs_fs_root(u->servers[0].fs);
}

struct bfs_str cluster_str(const char *s)
{
	return (struct bfs_str){ s, (uint32_t)strlen(s) };
}

int cluster_mkdir_at(struct cluster_unit *u, unsigned node, const char *path,
		     unsigned mode)
{
	struct bfs_mknod_req req = { .at = cluster_root(u),
				     .path = cluster_str(path),
				     .mode = S_IFDIR | mode };
	struct bfs_mknod_rep rep;

	return cluster_mknod(u, node, &req, &rep);
}

int cluster_create(struct cluster_unit *u, unsigned node, const char *path,
		   int flags, unsigned mode)
{
	struct bfs_open_req req = { .at = cluster_root(u),
				    .path = cluster_str(path),
				    .oflags = (uint32_t)flags | O_CREAT,
				    .mode = mode,
				    .arena_slot = BFS_NO_SLOT };
	struct bfs_open_rep rep;

	return cluster_open(u, node, &req, &rep);
}

int cluster_stat(struct cluster_unit *u, unsigned node, const char *path,
		 struct bfs_attr *a)
{
	struct bfs_getattr_req req = { .at = cluster_root(u),
				       .path = cluster_str(path),
				       .flags = AT_SYMLINK_NOFOLLOW };
	struct bfs_getattr_rep rep;
	int r = cluster_getattr(u, node, &req, &rep);

	if (!r)
		*a = rep.attr;
	return r;
}

int cluster_remove(struct cluster_unit *u, unsigned node, const char *path,
		   bool dir)
{
	struct bfs_unlink_req req = { .at = cluster_root(u),
				      .path = cluster_str(path),
				      .flags = dir ? AT_REMOVEDIR : 0 };
	struct bfs_unlink_rep rep;

	return cluster_unlink(u, node, &req, &rep);
}

int cluster_move(struct cluster_unit *u, unsigned node, const char *from,
		 const char *to, unsigned flags)
{
	struct bfs_rename_req req = { .old_at = cluster_root(u),
				      .old_path = cluster_str(from),
				      .new_at = cluster_root(u),
				      .new_path = cluster_str(to),
				      .flags = flags };
	struct bfs_rename_rep rep;

	return cluster_rename(u, node, &req, &rep);
}

int cluster_name(struct cluster_unit *u, unsigned node, const char *from,
		 const char *to)
{
	struct bfs_link_req req = { .old_at = cluster_root(u),
				    .old_path = cluster_str(from),
				    .new_at = cluster_root(u),
				    .new_path = cluster_str(to) };
	struct bfs_link_rep rep;

	return cluster_link(u, node, &req, &rep);
}
