/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * F3: messages that made a daemon crash once (tests/fuzz found them), and what
 * else no good client or daemon sends.  Each is answered by an error, and the
 * daemon goes on.
 */
#include "tests/unit/cluster_unit.h"

#include "core/place.h"
#include "core/util.h"
#include "server/change.h"
#include "server/peer_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>

#define NODES 3
#define HOUR 3600000000000ull
#define NOWHERE (99ull << 48 | 5) /* an inode of a shard that there is not */

static int setup(void **state)
{
	*state = cluster_unit_new(NODES, 1);
	return 0;
}

static int teardown(void **state)
{
	cluster_unit_free(*state);
	return 0;
}

/* A message of the daemon of shard 2 to that of shard 0. */
struct message {
	struct bfs_call call;
	bool done;
	int status;
	uint8_t rep[BFS_FIELDS_MAX], in[4096];
};

static void on_reply(struct bfs_call *c)
{
	struct message *m = bfs_container_of(c, struct message, call);
	struct bfs_wire w;

	bfs_wire_init(&w, m->rep, c->rep_len);
	m->status = -(int)bfs_get_rep_head(&w).status;
	assert_int_equal(bfs_wire_end(&w), 0);
	m->done = true;
}

static const struct bfs_port_ops port_ops = { .name = "unit",
					      .peers = true,
					      .reply = on_reply };
static struct bfs_port port = { .ops = &port_ops };

static struct bfs_session *peer_session(struct bfs_server *s)
{
	uint64_t id = bfs_peer_session_id(s, 2, s->shard, 1);
	struct bfs_session *sess = bfs_session_find(s, id);

	if (sess)
		return sess;
	return bfs_session_new_peer(
		s, id, bfs_peer_session_ticket(s, 2, s->shard, 1), 2, 1);
}

/* The status that daemon `at` answers. */
static int ask(struct cluster_unit *u, unsigned at, uint32_t op,
	       const uint8_t *fields, const struct bfs_wire *end)
{
	struct bfs_server *s = &u->servers[at];
	struct bfs_session *sess = peer_session(s);
	struct message *m = calloc(1, sizeof(*m));
	struct bfs_wire w;
	int r;

	assert_non_null(m);
	bfs_wire_init(&w, m->call.req, sizeof(m->call.req));
	bfs_put_req_head(
		&w, &(struct bfs_req_head){ .op = op,
					    .deadline_ms = 1000,
					    .id = ++u->next_id << 12 | 3000,
					    .session = sess->id,
					    .ticket = sess->ticket,
					    .generation = sess->generation });
	memcpy(w.pos, fields, (size_t)(end->pos - fields));
	m->call.req_len = BFS_REQ_HEAD_LEN + (size_t)(end->pos - fields);
	m->call.server = s;
	m->call.session = sess;
	m->call.port = &port;
	m->call.rep = m->rep;
	m->call.in = m->in;
	m->call.in_cap = sizeof(m->in);
	bfs_serve(&m->call);
	assert_true(m->done || bfs_ploop_run(u->net, &m->done, HOUR));
	r = m->status;
	free(m);
	return r;
}

#define ASK(u, at, name, NAME, ...) \
	({ \
		struct bfs_##name##_req q_ = __VA_ARGS__; \
		uint8_t f_[BFS_FIELDS_MAX - BFS_REQ_HEAD_LEN]; \
		struct bfs_wire w_; \
\
		bfs_wire_init(&w_, f_, sizeof(f_)); \
		assert_int_equal(bfs_##name##_req_put(&w_, &q_), 0); \
		ask(u, at, BFS_OP_##NAME, f_, &w_); \
	})

static void still_serves(struct cluster_unit *u)
{
	for (unsigned n = 0; n < NODES; n++) {
		char name[8] = "alive?";

		name[5] = (char)('0' + n);
		assert_int_equal(cluster_create(u, n, name, O_EXCL, 0600), 0);
		assert_int_equal(cluster_remove(u, n, name, false), 0);
	}
}

/* A call inside FORWARD that is not in proto.def, or not a client's. */
static void test_forward_unknown(void **state)
{
	static const uint32_t ops[] = {
		0,	     30,	 39,	       BFS_OP_LIMIT,
		1000000,     UINT32_MAX, BFS_OP_HELLO, BFS_OP_FORWARD,
		BFS_OP_TXEND
	};
	struct cluster_unit *u = *state;

	for (size_t n = 0; n < BFS_COUNT(ops); n++)
		assert_int_equal(ASK(u, 0, forward, FORWARD,
				     { .op = ops[n],
				       .session = 5,
				       .id = n + 1,
				       .node = 2 }),
				 -EBADMSG);
	assert_int_equal(ASK(u, 0, forward, FORWARD,
			     { .op = BFS_OP_GETATTR, .node = NODES }),
			 -EBADMSG);
	assert_int_equal(
		ASK(u, 0, forward, FORWARD,
		    { .op = BFS_OP_GETATTR, .groups = BFS_STR("abc") }),
		-EBADMSG);
	still_serves(u);
}

/* Inode numbers of a shard that there is not. */
static void test_no_such_shard(void **state)
{
	struct cluster_unit *u = *state;

	assert_int_equal(ASK(u, 0, txentry, TXENTRY,
			     { .tx = 7, .dir = NOWHERE, .name = BFS_STR("x") }),
			 -EIO);
	assert_int_equal(ASK(u, 0, lookup, LOOKUP,
			     { .dir = NOWHERE, .name = BFS_STR("x") }),
			 -ENOENT);
	assert_int_equal(ASK(u, 0, forward, FORWARD,
			     { .op = BFS_OP_GETATTR, .top = NOWHERE }),
			 -EBADMSG);
	still_serves(u);
}

static uint64_t make(struct cluster_unit *u, const char *name, bool dir)
{
	struct bfs_attr a;

	if (dir)
		assert_int_equal(cluster_mkdir_at(u, 0, name, 0700), 0);
	else
		assert_int_equal(cluster_create(u, 0, name, O_EXCL, 0600), 0);
	assert_int_equal(cluster_stat(u, 0, name, &a), 0);
	return a.ino;
}

/* A file of shard 0, and its name in the root. */
static uint64_t make_here(struct cluster_unit *u, char name[8])
{
	uint64_t ino;

	strcpy(name, "f0");
	while ((ino = make(u, name, false)) >> 48)
		name[1]++;
	return ino;
}

/* A file where a directory has to be. */
static void test_file_for_directory(void **state)
{
	struct cluster_unit *u = *state;
	char name[8];
	uint64_t ino = make_here(u, name);

	assert_int_equal(ASK(u, 0, txentry, TXENTRY,
			     { .tx = 7, .dir = ino, .name = BFS_STR("x") }),
			 -ENOTDIR);
	assert_int_equal(ASK(u, 0, txdir, TXDIR, { .tx = 7, .ino = ino }),
			 -ENOENT);
	assert_int_equal(ASK(u, 0, dircopy, DIRCOPY, { .ino = ino }), -ENOTDIR);
	assert_int_equal(ASK(u, 0, dirtold, DIRTOLD, { .ino = ino }), -ENOTDIR);
	assert_int_equal(ASK(u, 0, dirpart, DIRPART, { .ino = ino }), 0);
	assert_int_equal(ASK(u, 0, dirrevoke, DIRREVOKE, { .ino = ino }), 0);
	assert_int_equal(ASK(u, 0, target, TARGET, { .ino = ino }), -ENOENT);
	still_serves(u);
}

static int prepare(struct cluster_unit *u, const struct bfs_change *c,
		   unsigned n)
{
	uint8_t buf[2 * BFS_CHANGES_LEN];
	struct bfs_wire w;

	bfs_wire_init(&w, buf, sizeof(buf));
	while (n--)
		bfs_change_put(&w, c++);
	assert_int_equal(bfs_wire_end(&w), 0);
	return ASK(u, 0, txprepare, TXPREPARE,
		   { .tx = 7,
		     .changes = { (char *)buf, (uint32_t)(w.pos - buf) } });
}

/* The name of an entry of the root that shard 0 has. */
static struct bfs_str place_here(struct cluster_unit *u, char name[8])
{
	strcpy(name, "e0");
	while (bfs_place_entry(u->place, 1, cluster_str(name)))
		name[1]++;
	return cluster_str(name);
}

/* Changes that cannot be made as things are. */
static void test_bad_changes(void **state)
{
	struct cluster_unit *u = *state;
	char file[8], entry[8], with_slash[8];
	uint64_t ino = make_here(u, file);
	struct bfs_str name = place_here(u, entry);
	struct bfs_change many[BFS_CHANGES_MAX + 1];
	const struct bfs_change bad[] = {
		/* a directory's step on a file, and the other way round */
		{ .kind = BFS_CHANGE_GONE, .ino = ino },
		{ .kind = BFS_CHANGE_MOVED,
		  .dir = 1,
		  .name = name,
		  .ino = ino },
		{ .kind = BFS_CHANGE_LINKS, .ino = 1, .delta = 1 },
		/* more than one name at once */
		{ .kind = BFS_CHANGE_LINKS, .ino = ino, .delta = -2 },
		{ .kind = BFS_CHANGE_LINKS, .ino = ino, .delta = INT32_MAX },
		/* what is not there */
		{ .kind = BFS_CHANGE_LINKS, .ino = 12345, .delta = 1 },
		{ .kind = BFS_CHANGE_GONE, .ino = 12345 },
		{ .kind = BFS_CHANGE_PUT,
		  .dir = 1,
		  .name = name,
		  .ino = 12345,
		  .type = S_IFREG },
		/* another type than it has */
		{ .kind = BFS_CHANGE_PUT,
		  .dir = 1,
		  .name = name,
		  .ino = ino,
		  .type = S_IFDIR },
		/* no kind, no name */
		{ .kind = 0, .ino = ino },
		{ .kind = 77, .ino = ino },
		{ .kind = BFS_CHANGE_PUT, .dir = 1, .ino = ino },
	};

	assert_int_equal(ASK(u, 0, txentry, TXENTRY,
			     { .tx = 7, .dir = 1, .name = name }),
			 0);
	for (size_t n = 0; n < BFS_COUNT(bad); n++)
		if (prepare(u, &bad[n], 1) != -EBADMSG)
			fail_msg("change %zu is taken", n);
	for (size_t n = 0; n < BFS_COUNT(many); n++)
		many[n] = (struct bfs_change){ .kind = BFS_CHANGE_TREE,
					       .ino = 1 };
	assert_int_equal(prepare(u, many, BFS_COUNT(many)), -EBADMSG);
	strcpy(with_slash, "a/0");
	while (bfs_place_entry(u->place, 1, cluster_str(with_slash)))
		with_slash[2]++;
	assert_int_equal(
		prepare(u,
			&(struct bfs_change){ .kind = BFS_CHANGE_DROP,
					      .dir = 1,
					      .name = cluster_str(with_slash) },
			1),
		-EBADMSG);
	assert_int_equal(ASK(u, 0, txend, TXEND, { .tx = 7 }), 0);
	still_serves(u);
}

/* The same number with other changes, which are longer. */
static void test_prepared_twice(void **state)
{
	struct cluster_unit *u = *state;
	struct bfs_change many[BFS_CHANGES_MAX];
	char entry[8];
	struct bfs_str name = place_here(u, entry);

	assert_int_equal(ASK(u, 0, txentry, TXENTRY,
			     { .tx = 7, .dir = 1, .name = name }),
			 0);
	for (size_t n = 0; n < BFS_COUNT(many); n++)
		many[n] = (struct bfs_change){ .kind = BFS_CHANGE_TREE,
					       .ino = 1 };
	assert_int_equal(prepare(u, many, 1), 0);
	assert_int_equal(prepare(u, many, 1), 0);
	assert_int_equal(prepare(u, many, BFS_COUNT(many)), -EBADMSG);
	assert_int_equal(ASK(u, 0, txend, TXEND, { .tx = 7, .commit = 1 }), 0);
	still_serves(u);
}

/* openat2 of the root itself, at a daemon that only has a copy of it. */
static void test_resolve_root(void **state)
{
	static const uint64_t how[] = { RESOLVE_BENEATH, RESOLVE_IN_ROOT,
					RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV };
	struct cluster_unit *u = *state;

	for (unsigned node = 0; node < NODES; node++)
		for (size_t n = 0; n < BFS_COUNT(how); n++) {
			struct bfs_open_req req = { .at = cluster_root(u),
						    .path = BFS_STR("/"),
						    .oflags = O_RDONLY |
							      O_DIRECTORY,
						    .resolve = (uint32_t)how[n],
						    .arena_slot = BFS_NO_SLOT };
			struct bfs_open_rep rep;
			int r = cluster_open(u, node, &req, &rep);

			/* the client sees to the way out of BenchFS */
			assert_int_equal(r, 0);
		}
	still_serves(u);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_forward_unknown),    T(test_no_such_shard),
		T(test_file_for_directory), T(test_bad_changes),
		T(test_prepared_twice),	    T(test_resolve_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
