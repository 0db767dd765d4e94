/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * F2, for each message that a client sends: in a script of all of them the
 * first message is lost, or its connection, or it comes twice; then the
 * second, and so on.  The script's answers and what it leaves are those of a
 * run without faults; a call whose answer is lost without a word may end in
 * ETIMEDOUT (F1), and has had its effect once.
 */
#include "tests/unit/journal_unit.h"
#include "tests/unit/loop_port.h"

#include "core/log.h"
#include "core/util.h"
#include "server/arena.h"
#include "server/serve_lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define CALLS_MAX 100
#define LINE 160

struct world {
	void *fs_state;
	struct fs_unit *u;
	struct loop_port port;
	struct loop_client l;
	unsigned messages; /* so far */
	/* The one that meets its fate, from 1; 0: none. */
	unsigned doomed;
	enum bfs_tloop_fate fate;
	bool met;
	uint32_t op;  /* its message */
	bool reply;   /* which it was */
	unsigned hit; /* the call that it was of */
	unsigned ncalls;
	char line[CALLS_MAX][LINE]; /* what each call answered */
};

/* Which messages have met a fate, request and reply. */
static unsigned doomed_ops[BFS_OP_LIMIT][2];

static enum bfs_tloop_fate decide(void *arg, const struct bfs_tloop_msg *m)
{
	struct world *w = arg;

	if (m->op == BFS_OP_HELLO || ++w->messages != w->doomed)
		return BFS_TLOOP_PASS;
	w->met = true;
	w->op = m->op;
	w->reply = m->reply;
	w->hit = w->ncalls;
	doomed_ops[m->op][m->reply]++;
	return w->fate;
}

static struct world *world_new(unsigned doomed, enum bfs_tloop_fate fate)
{
	struct world *w = calloc(1, sizeof(*w));
	struct bfs_server *s;

	assert_non_null(w);
	assert_int_equal(journal_unit_setup(&w->fs_state), 0);
	w->u = w->fs_state;
	w->u->live_slots = 100;
	w->doomed = doomed;
	w->fate = fate;
	s = w->u->server;
	s->config.node.member = (char *)"";
	s->arenas = bfs_arenas_new(s->secret);
	assert_non_null(s->arenas);
	assert_int_equal(bfs_serve_lock_start(s), 0);
	loop_port_init(&w->port, s,
		       (struct bfs_tloop_config){ .seed = 3,
						  .delay_min_ns = 1000,
						  .delay_max_ns = 2000 });
	w->port.decide = decide;
	w->port.arg = w;
	loop_client_init(&w->l, &w->port, 100);
	return w;
}

static void world_free(struct world *w)
{
	struct bfs_server *s = w->u->server;

	loop_client_fini(&w->l);
	loop_port_fini(&w->port);
	bfs_session_free_all(s);
	bfs_serve_lock_stop(s);
	bfs_arenas_free(s->arenas);
	fs_unit_teardown(&w->fs_state);
	free(w);
}

static void note(struct world *w, const char *name, int e, uint64_t number,
		 struct bfs_str text)
{
	assert_true(w->ncalls < CALLS_MAX);
	snprintf(w->line[w->ncalls++], LINE, "%s %d %lu %.*s", name, e, number,
		 (int)text.len, text.len ? text.ptr : "");
}

/*
 * A call, and a line of what it answered: number and text are expressions of
 * rep and r.  bulk goes with it.
 */
#define CALL_WITH(w, name, bulk, number, text, ...) \
	({ \
		struct bfs_rpc r = BFS_RPC_INIT; \
		struct bfs_##name##_req q_ = __VA_ARGS__; \
		struct bfs_##name##_rep rep; \
		static char in_[4096]; \
		int e_; \
\
		do { \
			r = (struct bfs_rpc)BFS_RPC_INIT; \
			memset(&rep, 0, sizeof(rep)); \
			r.io.in = in_; \
			r.io.in_cap = sizeof(in_); \
			r.io.out = bulk; \
			r.io.out_len = strlen(bulk); \
			e_ = bfs_rpc_##name(&(w)->l.c, &r, &q_, &rep); \
			/* It has not happened: who called tries again. */ \
		} while (e_ == -ETIMEDOUT && !(w)->reply); \
		note(w, #name, e_, e_ ? 0 : (uint64_t)(number), \
		     e_ ? BFS_STR("") : (text)); \
		if (r.io.fd >= 0) \
			close(r.io.fd); \
		bfs_rpc_end(&r); \
		rep; \
	})
#define NONE BFS_STR("")
#define CALL(w, name, ...) CALL_WITH(w, name, "", 0, NONE, __VA_ARGS__)
/* What came as bulk. */
#define BULK ((struct bfs_str){ r.io.in, (uint32_t)r.io.in_len })

/* Until it succeeds: the script needs what it gives. */
static struct bfs_handle get_handle(struct world *w, const char *path,
				    int oflags)
{
	struct bfs_open_req q = { .at = w->u->root,
				  .path = u_str(path),
				  .oflags = (uint32_t)oflags,
				  .arena_slot = 7,
				  .slot_gen = 1 };
	struct bfs_open_rep rep;
	int e = -1;

	for (int n = 0; e && n < 3; n++) {
		struct bfs_rpc r = BFS_RPC_INIT;

		e = bfs_rpc_open(&w->l.c, &r, &q, &rep);
		if (!e && r.io.fd >= 0)
			close(r.io.fd);
		bfs_rpc_end(&r);
	}
	assert_int_equal(e, 0);
	return rep.handle;
}

static void script_names(struct world *w)
{
	struct bfs_handle root = w->u->root;

	CALL(w, mknod, { root, BFS_STR("d"), S_IFDIR | 0755, 0, NONE });
	CALL(w, mknod, { root, BFS_STR("s"), S_IFLNK | 0777, 0, BFS_STR("d") });
	CALL(w, open,
	     { .at = root,
	       .path = BFS_STR("new"),
	       .oflags = O_CREAT | O_EXCL | O_RDWR,
	       .mode = 0644,
	       .arena_slot = 5,
	       .slot_gen = 1 });
	CALL(w, open,
	     { .at = root,
	       .path = BFS_STR("."),
	       .oflags = O_TMPFILE | O_RDWR,
	       .mode = 0600,
	       .arena_slot = 6,
	       .slot_gen = 1 });
	CALL(w, link, { root, BFS_STR("new"), root, BFS_STR("d/l"), 0 });
	CALL(w, rename, { root, BFS_STR("new"), root, BFS_STR("x"), 0 });
	/* twice, an exchange would not be seen */
	CALL(w, rename, { root, BFS_STR("x"), root, BFS_STR("s"), 2 });
	CALL_WITH(w, getattr, "", rep.attr.nlink, NONE,
		  { root, BFS_STR("s"), 0 });
	CALL_WITH(w, readlink, "", 0, rep.target, { root, BFS_STR("x") });
	CALL_WITH(w, readdir, "", rep.eof + 2 * (r.io.in_len > 0), NONE,
		  { get_handle(w, ".", O_DIRECTORY), 0, 4096, 0 });
	CALL(w, access, { root, BFS_STR("s"), R_OK, AT_EACCESS });
	CALL_WITH(w, statfs, "", rep.namelen, NONE, { root, BFS_STR("") });
}

static void script_data(struct world *w, struct bfs_handle h)
{
	for (int n = 0; n < 2; n++)
		CALL_WITH(w, write, "abc", rep.end, NONE,
			  { .handle = h, .flags = O_APPEND });
	CALL_WITH(w, write, "z", rep.end, NONE, { .handle = h, .offset = 1 });
	CALL_WITH(w, read, "", r.io.in_len, BULK, { h, 0, 100, 0 });
	CALL(w, fallocate, { h, 0, 10, 10, 0 });
	CALL_WITH(w, seek, "", rep.offset, NONE, { h, 0, SEEK_DATA });
	CALL(w, fsync, { h, 0 });
	CALL_WITH(w, setattr, "", rep.attr.size, NONE,
		  { .at = h,
		    .path = NONE,
		    .valid = BFS_SET_SIZE | BFS_SET_MODE,
		    .mode = 0600,
		    .size = 5 });
	CALL_WITH(w, getpath, "", 0, rep.path, { h });
	CALL_WITH(w, datafd, "", rep.attr.size, NONE,
		  { h, NONE, BFS_DATAFD_MAP });
	CALL_WITH(w, take, "", rep.kind, NONE, { h, O_RDWR, 8, 1 });
	CALL(w, layout, { .at = w->u->root, .path = BFS_STR("s") });
	CALL(w, member, { 0 });
}

/* A way to another daemon that takes requests and answers none. */
static struct dead_way {
	struct bfs_transport t;
	struct bfs_client c;
	uint8_t req[BFS_FIELDS_MAX];
} dead_way;

static int dead_begin(struct bfs_transport *t, struct bfs_io *io)
{
	io->req = dead_way.req;
	io->req_cap = sizeof(dead_way.req);
	return 0;
}

static int dead_call(struct bfs_transport *t, struct bfs_io *io)
{
	return -ECONNRESET;
}

static void dead_end(struct bfs_transport *t, struct bfs_io *io)
{
}

static void dead_lost(struct bfs_client *c, struct bfs_transport *t)
{
}

static const struct bfs_transport_ops dead_ops = {
	.name = "dead", .begin = dead_begin, .call = dead_call, .end = dead_end
};

/* What it may have executed goes on by the node's daemon (VIA). */
static void script_via(struct world *w, struct bfs_handle h)
{
	CALL_WITH(w, direct, "", rep.near, NONE, { 0 });
	dead_way.t = (struct bfs_transport){ .ops = &dead_ops,
					     .bulk_max = BFS_BULK_MAX };
	dead_way.c = (struct bfs_client){ .t = &dead_way.t,
					  .timeout_ms = w->l.c.timeout_ms,
					  .same = &w->l.c,
					  .relay = &w->l.c,
					  .lost = dead_lost,
					  .session = w->l.c.t->session };
	for (int n = 0; n < 2; n++) {
		struct bfs_write_req q = { .handle = h, .flags = O_APPEND };
		struct bfs_write_rep rep;
		int e;

		do {
			struct bfs_rpc r = BFS_RPC_INIT;

			r.io.out = "via";
			r.io.out_len = 3;
			e = bfs_rpc_write(&dead_way.c, &r, &q, &rep);
			bfs_rpc_end(&r);
		} while (e == -ETIMEDOUT && !w->reply);
		note(w, "via", e, e ? 0 : rep.end, NONE);
	}
}

static void script_rest(struct world *w, struct bfs_handle h)
{
	struct bfs_handle root = w->u->root;
	struct bfs_lock_req l = { .handle = h,
				  .space = BFS_LOCK_POSIX,
				  .type = F_WRLCK,
				  .end = UINT64_MAX,
				  .pid = 100 };

	CALL_WITH(w, setxattr, "v", 0, NONE,
		  { h, NONE, XATTR_CREATE << 16, BFS_STR("user.a") });
	CALL_WITH(w, getxattr, "", rep.length, BULK,
		  { h, NONE, 0, BFS_STR("user.a"), 10 });
	CALL_WITH(w, listxattr, "", rep.length, NONE, { h, NONE, 0, 100 });
	CALL(w, removexattr, { h, NONE, 0, BFS_STR("user.a") });
	CALL(w, lock, l);
	l.type = F_UNLCK;
	CALL(w, lock, l);
	CALL(w, cancel, { 0 });
	CALL_WITH(w, stats, "", rep.count, NONE, { 0 });
	CALL(w, unlink, { root, BFS_STR("d/l"), 0 });
	CALL(w, unlink, { root, BFS_STR("x"), 0 });
	CALL(w, unlink, { root, BFS_STR("d"), AT_REMOVEDIR });
}

/* Times differ from run to run: up to the target or xattr. */
static void strip_times(char *text)
{
	char *to = text;

	for (const char *p = text; *p;) {
		if (*p == ' ' &&
		    (!strncmp(p, " mtime ", 7) || !strncmp(p, " btime ", 7) ||
		     !strncmp(p, " ctime ", 7)))
			p += 7 + strcspn(p + 7, " \n");
		else
			*to++ = *p++;
	}
	*to = '\0';
}

/* What it leaves. */
static char *play(struct world *w)
{
	struct bfs_handle h;
	char *text;

	script_names(w);
	h = get_handle(w, "s", O_RDWR);
	script_data(w, h);
	script_via(w, h);
	script_rest(w, h);
	text = u_dump(w->u);
	strip_times(text);
	return text;
}

static bool may_time_out(const struct world *w, unsigned n)
{
	return w->fate == BFS_TLOOP_LOSE && w->met && n == w->hit;
}

static void compare(const struct world *w, const struct world *good,
		    const char *left, const char *expected)
{
	char timed_out[LINE];

	assert_int_equal(w->ncalls, good->ncalls);
	for (unsigned n = 0; n < w->ncalls; n++) {
		const char *is = w->line[n], *was = good->line[n];

		snprintf(timed_out, sizeof(timed_out), "%.*s %d 0 ",
			 (int)strcspn(was, " "), was, -ETIMEDOUT);
		if (!strcmp(is, was) ||
		    (may_time_out(w, n) && !strcmp(is, timed_out)))
			continue;
		fail_msg("message %u (%s %s) fate %d: '%s' and not '%s'",
			 w->doomed, bfs_op_name(w->op),
			 w->reply ? "reply" : "request", w->fate, is, was);
	}
	if (strcmp(left, expected))
		fail_msg("message %u (%s %s) fate %d leaves\n%sand not\n%s",
			 w->doomed, bfs_op_name(w->op),
			 w->reply ? "reply" : "request", w->fate, left,
			 expected);
}

/* False: there are not so many messages. */
static bool one(const struct world *good, const char *expected, unsigned n,
		enum bfs_tloop_fate fate)
{
	struct world *w = world_new(n, fate);
	char *left = play(w);
	bool met = w->met;

	compare(w, good, left, expected);
	free(left);
	world_free(w);
	return met;
}

static void test_all(void **state)
{
	static const enum bfs_tloop_fate fates[] = {
		BFS_TLOOP_LOSE, BFS_TLOOP_RESET, BFS_TLOOP_BREAK,
		BFS_TLOOP_STRAY, BFS_TLOOP_DUPLICATE
	};
	struct world *good = world_new(0, BFS_TLOOP_PASS);
	char *expected = play(good);
	unsigned runs = 0;

	for (unsigned n = 0; n < good->ncalls; n++)
		if (!strstr(good->line[n], " 0 "))
			fail_msg("without faults: %s", good->line[n]);
	for (unsigned f = 0; f < BFS_COUNT(fates); f++)
		for (unsigned n = 1; one(good, expected, n, fates[f]); n++)
			runs++;
	printf("%u messages met one of %zu fates each\n", runs,
	       BFS_COUNT(fates));
	free(expected);
	world_free(good);
}

/* A new message needs its line in the script. */
static void test_complete(void **state)
{
#define RPC(num, NAME, name, flags, req, rep) \
	/* VIA is answered as the call that it carries */ \
	if (num != BFS_OP_HELLO && !bfs_op_peer(num) && \
	    !doomed_ops[num][num != BFS_OP_VIA]) \
		fail_msg("no reply of " #NAME " was lost");
#include "core/proto.def"
#undef RPC
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_complete),
	};

	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 1);
	bfs_log_fd = -1; /* lost messages are told */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
