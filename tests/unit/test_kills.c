/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * D1 over several daemons: kill -9 of those that take part in a change, between
 * any two of its messages.  What was acknowledged is seen at once by whoever
 * looks, also where the daemon that has the inode has yet to hear of it, and a
 * call that is sent again happens once (F2).
 */
#include "tests/unit/cluster_unit.h"

#include "core/log.h"
#include "core/place.h"
#include "server/data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NODES 3

/* The first message of that kind, behind one of the kind `after`. */
struct trap {
	uint32_t op;	/* 0: none is wanted */
	uint32_t after; /* 0: any */
	unsigned to;
	bool reply; /* to is who sends it */
	enum bfs_ploop_fate fate;
	bool sprung;
};

static enum bfs_ploop_fate decide(void *arg, const struct bfs_ploop_msg *m)
{
	struct trap *t = arg;

	if (t->op && m->op == t->after)
		t->after = 0;
	if (t->sprung || t->after || m->op != t->op || m->reply != t->reply ||
	    (t->reply ? m->from : m->to) != t->to)
		return BFS_PLOOP_PASS;
	t->sprung = true;
	return t->fate;
}

static struct cluster_unit *start(struct trap *t, uint64_t seed,
				  unsigned policy)
{
	struct cluster_unit_conf conf = { .n = NODES,
					  .seed = seed,
					  .layout = { policy & 3, 16 },
					  .journal = true,
					  .turns = true,
					  .decide = decide,
					  .arg = t };

	memset(t, 0, sizeof(*t));
	return cluster_unit_with(&conf);
}

static uint64_t number(struct cluster_unit *u, const char *path)
{
	struct bfs_attr a;

	assert_int_equal(cluster_stat(u, 0, path, &a), 0);
	return a.ino;
}

static unsigned links(struct cluster_unit *u, unsigned node, const char *path)
{
	struct bfs_attr a;

	assert_int_equal(cluster_stat(u, node, path, &a), 0);
	return a.nlink;
}

/* A path in that directory ("" is the root) whose entry is on that shard. */
static const char *path_on(struct cluster_unit *u, const char *dir,
			   unsigned shard)
{
	static char paths[8][64];
	static unsigned next, slot;
	uint64_t ino = *dir ? number(u, dir) : BFS_ROOT_INO;
	char *p = paths[slot++ % 8];
	int n = snprintf(p, 64, "%s%s", dir, *dir ? "/" : "");

	do
		snprintf(p + n, (size_t)(64 - n), "n%u", next++);
	while (bfs_place_entry(u->place, ino, cluster_str(p + n)) != shard);
	return p;
}

static struct cluster_call *start_unlink(struct cluster_unit *u, unsigned node,
					 const char *path, unsigned flags)
{
	struct bfs_unlink_req req = { .at = cluster_root(u),
				      .path = cluster_str(path),
				      .flags = flags };
	uint8_t fields[1000];
	struct bfs_wire w;

	bfs_wire_init(&w, fields, sizeof(fields));
	bfs_unlink_req_put(&w, &req);
	return cluster_start(u, node, BFS_OP_UNLINK, fields,
			     (size_t)(w.pos - fields));
}

static struct cluster_call *start_rename(struct cluster_unit *u, unsigned node,
					 const char *from, const char *to)
{
	struct bfs_rename_req req = { .old_at = cluster_root(u),
				      .old_path = cluster_str(from),
				      .new_at = cluster_root(u),
				      .new_path = cluster_str(to) };
	uint8_t fields[1000];
	struct bfs_wire w;

	bfs_wire_init(&w, fields, sizeof(fields));
	bfs_rename_req_put(&w, &req);
	return cluster_start(u, node, BFS_OP_RENAME, fields,
			     (size_t)(w.pos - fields));
}

static struct cluster_call *start_stat(struct cluster_unit *u, unsigned node,
				       const char *path)
{
	struct bfs_getattr_req req = { .at = cluster_root(u),
				       .path = cluster_str(path),
				       .flags = AT_SYMLINK_NOFOLLOW };
	uint8_t fields[1000];
	struct bfs_wire w;

	bfs_wire_init(&w, fields, sizeof(fields));
	bfs_getattr_req_put(&w, &req);
	return cluster_start(u, node, BFS_OP_GETATTR, fields,
			     (size_t)(w.pos - fields));
}

static void until_sprung(struct cluster_unit *u, const struct trap *t)
{
	while (!t->sprung)
		assert_true(cluster_step(u));
}

/* The home of a file does not hear that one of its names is gone. */
static void test_links(void **state)
{
	struct cluster_call *c;
	const char *a, *b;
	struct trap t;
	struct cluster_unit *u = start(&t, 3, BFS_POLICY_WHOLE);

	a = path_on(u, "", 1);
	b = path_on(u, "", 2);
	assert_int_equal(cluster_create(u, 0, a, O_EXCL, 0644), 0);
	assert_int_equal(cluster_name(u, 0, a, b), 0);
	assert_int_equal(links(u, 0, a), 2);
	t.op = BFS_OP_TXEND;
	t.after = BFS_OP_TXPREPARE;
	t.to = 1;
	t.fate = BFS_PLOOP_LOSE;
	c = start_unlink(u, 0, b, 0);
	until_sprung(u, &t);
	cluster_unit_kill(u, 1);
	assert_int_equal(cluster_finish(u, c), 0);
	cluster_unit_start(u, 1);
	assert_int_equal(links(u, 0, a), 1);
	cluster_pass(u, 10);
	assert_int_equal(links(u, 0, a), 1);
	cluster_unit_free(u);
}

/* A directory with a subdirectory whose entry is on shard 1. */
static const char *dir_with_subdir(struct cluster_unit *u, unsigned home,
				   const char **sub)
{
	const char *d = path_on(u, "", home);

	assert_int_equal(cluster_mkdir_at(u, 0, d, 0755), 0);
	*sub = path_on(u, d, 1);
	assert_int_equal(cluster_mkdir_at(u, 0, *sub, 0755), 0);
	assert_int_equal(links(u, 0, d), 3);
	return d;
}

/* The shard of an entry does not hear that a directory has gone from there. */
static void part_is_killed(unsigned shard)
{
	struct cluster_call *c;
	const char *d, *sub, *to;
	struct trap t;
	struct cluster_unit *u = start(&t, 4, BFS_POLICY_WHOLE);

	d = dir_with_subdir(u, shard, &sub);
	to = path_on(u, "", 2);
	t.op = BFS_OP_TXEND;
	t.after = BFS_OP_TXPREPARE;
	t.to = 1;
	t.fate = BFS_PLOOP_LOSE;
	c = start_rename(u, 2, sub, to);
	until_sprung(u, &t);
	cluster_unit_kill(u, 1);
	assert_int_equal(cluster_finish(u, c), 0);
	cluster_unit_start(u, 1);
	assert_int_equal(links(u, 0, d), 2);
	cluster_pass(u, 10);
	assert_int_equal(links(u, 0, d), 2);
	assert_int_equal(links(u, 0, ""), 2 + 2);
	cluster_unit_free(u);
}

static void test_part(void **state)
{
	part_is_killed(0);
}

/* The same, where the home itself has the entry. */
static void test_own_part(void **state)
{
	part_is_killed(1);
}

/* S1: a look at a directory while one of its entries is being changed does not
 * hide the change from those who look later. */
static void test_look_between(void **state)
{
	for (uint64_t seed = 1; seed < 40; seed++) {
		struct cluster_call *c, *look;
		const char *d, *sub, *to;
		struct trap t;
		struct cluster_unit *u = start(&t, seed, BFS_POLICY_WHOLE);
		int r;

		d = dir_with_subdir(u, 0, &sub);
		to = path_on(u, "", 2);
		t.op = BFS_OP_TXENTRY;
		t.after = BFS_OP_TXTREE;
		t.to = 1;
		t.reply = true;
		c = start_rename(u, 2, sub, to);
		until_sprung(u, &t);
		look = start_stat(u, 0, d);
		r = cluster_finish(u, look);
		assert_int_equal(r, 0);
		assert_int_equal(cluster_finish(u, c), 0);
		assert_int_equal(links(u, 0, d), 2);
		cluster_unit_free(u);
	}
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

static void pass_ns(struct cluster_unit *u, uint64_t ns)
{
	struct alarm a = { .timer.fn = on_alarm };

	a.timer.arg = &a;
	bfs_loop_timer(bfs_ploop_loop(u->net), &a.timer, bfs_now() + ns);
	while (!a.over)
		assert_true(cluster_step(u));
}

/* S1: what one shard has said of its part is old when another one, which had
 * to be waited for, has answered too. */
static void test_old_answer(void **state)
{
	struct cluster_call *look;
	const char *d, *sub, *others[2];
	struct trap t;
	struct cluster_unit *u = start(&t, 5, BFS_POLICY_WHOLE);

	d = dir_with_subdir(u, 0, &sub);
	others[0] = path_on(u, d, 1);
	others[1] = path_on(u, d, 2);
	/* Both have something new to tell. */
	assert_int_equal(cluster_mkdir_at(u, 0, others[0], 0755), 0);
	assert_int_equal(cluster_mkdir_at(u, 0, others[1], 0755), 0);
	t.op = BFS_OP_DIRPART;
	t.to = 2;
	t.fate = BFS_PLOOP_LOSE;
	look = start_stat(u, 0, d);
	until_sprung(u, &t);
	pass_ns(u, 10000000);
	assert_false(cluster_done(look));
	assert_int_equal(cluster_remove(u, 0, sub, true), 0);
	assert_int_equal(links(u, 0, d), 4);
	assert_int_equal(cluster_finish(u, look), 0);
	assert_int_equal(links(u, 0, d), 4);
	cluster_unit_free(u);
}

/* As the client of that number, whose last call got no answer. */
static void come_back(struct cluster_unit *u, unsigned node, uint64_t session)
{
	struct bfs_session *sess = bfs_session_find(&u->servers[node], session);

	assert_non_null(sess);
	u->clients[node] = sess;
	u->next_id--;
}

/* F2: the answer to a call is not the one of an older change that the restart
 * finds undone. */
static void test_later_answer(void **state)
{
	const char *sub, *to, *m;
	struct bfs_attr a;
	uint64_t session;
	struct trap t;
	struct cluster_unit *u = start(&t, 6, BFS_POLICY_WHOLE);

	dir_with_subdir(u, 1, &sub);
	to = path_on(u, "", 2);
	m = path_on(u, "", 0);
	session = u->clients[0]->id;
	assert_int_equal(cluster_finish(u, start_rename(u, 0, sub, to)), 0);
	for (unsigned n = 1; n < BFS_REMEMBERED; n++)
		assert_int_equal(cluster_stat(u, 0, to, &a), 0);
	assert_int_equal(cluster_mkdir_at(u, 0, m, 0755), 0);
	cluster_unit_kill(u, 0);
	cluster_unit_start(u, 0);
	come_back(u, 0, session);
	assert_int_equal(cluster_mkdir_at(u, 0, m, 0755), 0);
	cluster_unit_free(u);
}

/* Kill and start the driver, who has decided; twice, with what is to be done
 * in between done. */
static void twice(struct cluster_unit *u, unsigned node)
{
	cluster_unit_kill(u, node);
	cluster_unit_start(u, node);
	cluster_pass(u, 10);
	cluster_unit_kill(u, node);
	cluster_unit_start(u, node);
}

/* F2, D1: the driver of a change is killed before it has answered, and again
 * when all have heard of the change. */
static void test_twice(void **state)
{
	struct cluster_call *c;
	const char *sub, *to;
	uint64_t session;
	struct trap t;
	struct cluster_unit *u = start(&t, 7, BFS_POLICY_WHOLE);

	dir_with_subdir(u, 1, &sub);
	to = path_on(u, "", 2);
	session = u->clients[0]->id;
	t.op = BFS_OP_TXEND;
	t.after = BFS_OP_TXPREPARE;
	t.to = 1;
	c = start_rename(u, 0, sub, to);
	until_sprung(u, &t);
	twice(u, 0);
	cluster_finish(u, c);
	come_back(u, 0, session);
	assert_int_equal(cluster_finish(u, start_rename(u, 0, sub, to)), 0);
	assert_int_equal(links(u, 1, to), 2);
	cluster_unit_free(u);
}

static struct cluster_call *start_create(struct cluster_unit *u, unsigned node,
					 const char *path)
{
	struct bfs_open_req req = { .at = cluster_root(u),
				    .path = cluster_str(path),
				    .oflags = O_CREAT | O_EXCL | O_RDWR,
				    .mode = 0644,
				    .arena_slot = BFS_NO_SLOT };
	uint8_t fields[1000];
	struct bfs_wire w;

	bfs_wire_init(&w, fields, sizeof(fields));
	bfs_open_req_put(&w, &req);
	return cluster_start(u, node, BFS_OP_OPEN, fields,
			     (size_t)(w.pos - fields));
}

/* The same for a file that is made apart from its entry. */
static void test_made_twice(void **state)
{
	struct cluster_call *c;
	const char *path;
	uint64_t session, ino;
	struct trap t;
	struct cluster_unit *u = start(&t, 8, BFS_POLICY_LOCAL);
	struct bfs_open_rep rep;
	struct bfs_wire w;

	path = path_on(u, "", 1);
	session = u->clients[0]->id;
	t.op = BFS_OP_TXEND;
	t.after = BFS_OP_TXPREPARE;
	t.to = 1;
	c = start_create(u, 0, path);
	until_sprung(u, &t);
	twice(u, 0);
	cluster_finish(u, c);
	ino = number(u, path);
	u->next_id--;
	come_back(u, 0, session);
	assert_int_equal(cluster_finish(u, start_create(u, 0, path)), 0);
	bfs_wire_init(&w, u->rep + BFS_REP_HEAD_LEN,
		      sizeof(u->rep) - BFS_REP_HEAD_LEN);
	assert_int_equal(bfs_open_rep_get(&w, &rep), 0);
	assert_int_equal(rep.attr.ino, ino);
	assert_int_equal(rep.attr.nlink, 1);
	cluster_unit_free(u);
}

/* F1: a call that waits elsewhere when its client's daemon is killed, and is
 * sent again by the next one, is answered to that one. */
static void test_sent_again(void **state)
{
	struct cluster_call *c;
	const char *d, *path, *here;
	uint64_t session, before;
	struct trap t;
	struct cluster_unit *u = start(&t, 9, BFS_POLICY_WHOLE);

	d = path_on(u, "", 0);
	assert_int_equal(cluster_mkdir_at(u, 0, d, 0755), 0);
	here = path_on(u, d, 0);
	path = path_on(u, d, 1);
	session = u->clients[0]->id;
	assert_int_equal(cluster_mkdir_at(u, 0, here, 0755), 0);
	/* So that the next daemon's messages have other numbers. */
	assert_int_equal(cluster_mkdir_at(u, 0, path_on(u, "", 1), 0755), 0);
	t.op = BFS_OP_DIRCOPY;
	t.to = 0;
	t.fate = BFS_PLOOP_LOSE;
	c = start_create(u, 0, path);
	until_sprung(u, &t);
	cluster_unit_kill(u, 0);
	cluster_unit_start(u, 0);
	cluster_finish(u, c);
	come_back(u, 0, session);
	before = bfs_now();
	assert_int_equal(cluster_finish(u, start_create(u, 0, path)), 0);
	assert_true(bfs_now() - before < 1000000000u);
	cluster_unit_free(u);
}

static struct cluster_call *start_append(struct cluster_unit *u, unsigned node,
					 struct bfs_handle h, const void *data,
					 size_t len)
{
	struct bfs_write_req req = { .handle = h, .flags = O_APPEND };
	uint8_t fields[100];
	struct bfs_wire w;

	u->out = data;
	u->out_len = len;
	bfs_wire_init(&w, fields, sizeof(fields));
	bfs_write_req_put(&w, &req);
	return cluster_start(u, node, BFS_OP_WRITE, fields,
			     (size_t)(w.pos - fields));
}

static struct bfs_handle made(struct cluster_unit *u, const char *path)
{
	struct bfs_open_rep rep;
	struct bfs_wire w;

	assert_int_equal(cluster_finish(u, start_create(u, 0, path)), 0);
	bfs_wire_init(&w, u->rep + BFS_REP_HEAD_LEN, 500);
	assert_int_equal(bfs_open_rep_get(&w, &rep), 0);
	return rep.handle;
}

static off_t data_size(const struct cluster_unit *u, unsigned node,
		       uint64_t ino, off_t cut)
{
	char path[128], name[BFS_DATA_NAME_LEN];
	struct stat st;

	bfs_data_name(name, ino);
	snprintf(path, sizeof(path), "%s/%u/data/%s", u->dir, node, name);
	if (cut >= 0)
		assert_int_equal(truncate(path, cut), 0);
	return stat(path, &st) ? -1 : st.st_size;
}

#define OLD 60000u  /* bytes of the file; the home's first chunk has more */
#define MORE 50000u /* that are appended: some are the next shard's */

static void is_once(struct cluster_unit *u, unsigned node, struct bfs_handle h)
{
	struct bfs_read_req req = { .handle = h, .size = 200000 };
	struct bfs_read_rep rep;

	assert_int_equal(cluster_read(u, node, &req, &rep), 0);
	assert_int_equal(u->in_len, OLD + 2 * MORE);
	for (size_t n = 0; n < u->in_len; n++)
		assert_int_equal(u->in[n], n < OLD	    ? 'a'
					   : n < OLD + MORE ? 'b'
							    : 'c');
}

/*
 * D1, F2: the home is killed when it has appended, all of it or what is left of
 * it then, and has not put that down.  left: bytes, or all.  Twice: it is
 * killed once more after the call.
 */
static void append_is_killed(unsigned policy, size_t left)
{
	static uint8_t a[OLD], b[MORE], c[MORE];
	struct cluster_call *call;
	struct bfs_handle h;
	struct trap t;
	struct cluster_unit *u = start(&t, 10 + left, policy);
	off_t all;

	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	memset(c, 'c', sizeof(c));
	h = made(u, path_on(u, "", 1));
	assert_int_equal(cluster_finish(u, start_append(u, 0, h, a, OLD)), 0);
	call = start_append(u, 0, h, b, MORE);
	while (data_size(u, 1, h.ino, -1) == OLD)
		assert_true(bfs_ploop_step(u->net));
	assert_false(cluster_done(call));
	all = data_size(u, 1, h.ino, -1);
	cluster_unit_kill(u, 1);
	assert_int_equal(data_size(u, 1, h.ino, left ? OLD + (off_t)left : all),
			 left ? OLD + (off_t)left : all);
	cluster_unit_start(u, 1);
	assert_int_equal(data_size(u, 1, h.ino, -1), OLD);
	assert_int_equal(cluster_finish(u, call), 0);
	assert_int_equal(cluster_finish(u, start_append(u, 2, h, c, MORE)), 0);
	is_once(u, 0, h);
	cluster_unit_kill(u, 1);
	cluster_unit_start(u, 1);
	is_once(u, 2, h);
	cluster_unit_free(u);
}

static void test_append(void **state)
{
	append_is_killed(BFS_POLICY_WHOLE, 0);
	append_is_killed(BFS_POLICY_WHOLE, 4096);
	append_is_killed(BFS_POLICY_STRIPE, 0);
	append_is_killed(BFS_POLICY_STRIPE, 5000);
}

/* What nobody asks for again is undone once, not when others have written. */
static void test_append_given_up(void **state)
{
	static uint8_t data[MORE];
	struct cluster_call *call;
	struct bfs_handle h;
	struct trap t;
	struct cluster_unit *u = start(&t, 20, BFS_POLICY_WHOLE);

	h = made(u, path_on(u, "", 1));
	call = start_append(u, 0, h, data, MORE);
	while (!data_size(u, 1, h.ino, -1))
		assert_true(bfs_ploop_step(u->net));
	cluster_unit_kill(u, 0);
	cluster_unit_kill(u, 1);
	cluster_unit_start(u, 1);
	cluster_unit_start(u, 0);
	cluster_finish(u, call);
	assert_int_equal(data_size(u, 1, h.ino, -1), 0);
	assert_int_equal(cluster_finish(u, start_append(u, 0, h, data, 100)),
			 0);
	cluster_unit_kill(u, 1);
	cluster_unit_start(u, 1);
	assert_int_equal(data_size(u, 1, h.ino, -1), 100);
	cluster_unit_free(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_part),
		cmocka_unit_test(test_own_part),
		cmocka_unit_test(test_look_between),
		cmocka_unit_test(test_old_answer),
		cmocka_unit_test(test_later_answer),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_made_twice),
		cmocka_unit_test(test_sent_again),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_append_given_up),
	};

	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 1);
	bfs_log_fd = getenv("VERBOSE") ? 2 : -1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
