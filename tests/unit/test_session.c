/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who may speak to the daemon (F4), what happens to locks and parked calls of
 * clients that wait, are interrupted or die (S10, RULES 1, 32), and that no
 * bytes hurt (F3).
 */
#include "tests/unit/unit.h"

#include "tests/unit/fake_fs.h"
#include "tests/unit/loop_port.h"

#include "core/log.h"
#include "core/stats.h"
#include "core/util.h"
#include "server/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

struct world {
	struct bfs_server server;
	struct loop_port port;
	struct loop_client a, b; /* processes 100 and 200 */
	int log;
};

static struct {
	uint32_t op;
	bool reply;
	enum bfs_tloop_fate fate;
	unsigned times;
} fault;

static enum bfs_tloop_fate decide(void *arg, const struct bfs_tloop_msg *m)
{
	if (!fault.times || m->op != fault.op || m->reply != fault.reply)
		return BFS_TLOOP_PASS;
	fault.times--;
	return fault.fate;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->log = bfs_log_fd = memfd_create("log", MFD_CLOEXEC);
	fake_server_init(&w->server);
	loop_port_init(&w->port, &w->server,
		       (struct bfs_tloop_config){ .seed = 2,
						  .delay_min_ns = 1000,
						  .delay_max_ns = 2000 });
	w->port.decide = decide;
	fault.times = 0;
	loop_client_init(&w->a, &w->port, 100);
	loop_client_init(&w->b, &w->port, 200);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	loop_client_fini(&w->a);
	loop_client_fini(&w->b);
	loop_port_fini(&w->port);
	fake_server_fini(&w->server);
	close(w->log);
	bfs_log_fd = 2;
	free(w);
	return 0;
}

static bool logged(const struct world *w, const char *text)
{
	char buf[4096];
	ssize_t n = pread(w->log, buf, sizeof(buf) - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	return strstr(buf, text) != NULL;
}

#define TEXT(number) TEXT_OF(number)
#define TEXT_OF(number) #number

/* F4: refused, with a message that names both values. */
static void test_hello_mismatch(void **state)
{
	static const struct {
		struct bfs_hello_req req;
		int error;
		const char *theirs, *ours;
	} cases[] = {
		{ { .version = 77 },
		  -EPROTONOSUPPORT,
		  "version 77",
		  "daemon " TEXT(BFS_PROTO_VERSION) },
		{ { .version = BFS_PROTO_VERSION, .cluster = 0xbad },
		  -ECONNREFUSED,
		  "0000000000000bad",
		  "0000000000001234" },
		{ { .version = BFS_PROTO_VERSION, .list_hash = 0xbad1 },
		  -ECONNREFUSED,
		  "000000000000bad1",
		  "0000000000005678" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < BFS_COUNT(cases); i++) {
		struct bfs_hello_rep rep;
		int e;

		assert_null(
			loop_connect(&w->port, 100, &cases[i].req, &rep, &e));
		assert_int_equal(e, cases[i].error);
		assert_true(logged(w, cases[i].theirs));
		assert_true(logged(w, cases[i].ours));
	}
}

static struct bfs_hello_req hello_of(const struct bfs_transport *t)
{
	return (struct bfs_hello_req){ .version = BFS_PROTO_VERSION,
				       .session = t->session,
				       .ticket = t->ticket,
				       .generation = t->generation + 1 };
}

static int stat_errno(struct bfs_client *c)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_getattr_req req = { .flags = 0 };
	struct bfs_getattr_rep rep;
	int e = bfs_rpc_getattr(c, &r, &req, &rep);

	bfs_rpc_end(&r);
	return e;
}

/* Nobody gets another one's session: not without the ticket, not as another
 * process, and not in an older generation. */
static void test_resume(void **state)
{
	struct world *w = *state;
	struct bfs_hello_req req;
	struct bfs_hello_rep rep;
	struct bfs_transport *t;
	int e;

	assert_int_equal(stat_errno(&w->a.c), 0);
	req = hello_of(w->a.c.t);
	req.ticket++;
	assert_null(loop_connect(&w->port, 100, &req, &rep, &e));
	assert_int_equal(e, -EACCES);
	req = hello_of(w->a.c.t);
	assert_null(loop_connect(&w->port, 200, &req, &rep, &e));
	assert_int_equal(e, -EACCES);
	req.generation--;
	assert_null(loop_connect(&w->port, 100, &req, &rep, &e));
	assert_int_equal(e, -ESTALE);
	assert_int_equal(stat_errno(&w->a.c), 0); /* nothing has happened */

	req = hello_of(w->a.c.t);
	t = loop_connect(&w->port, 100, &req, &rep, &e);
	assert_non_null(t);
	assert_true(t->session == w->a.c.t->session);
	assert_int_equal(stat_errno(&w->a.c), -ESTALE); /* the old way */
	t->ops->destroy(t);
}

static void test_wrong_session(void **state)
{
	struct world *w = *state;
	struct bfs_transport *t;

	assert_int_equal(stat_errno(&w->a.c), 0);
	assert_int_equal(stat_errno(&w->b.c), 0);
	t = w->a.c.t;
	t->session = w->b.c.t->session;
	t->ticket = w->b.c.t->ticket;
	assert_int_equal(stat_errno(&w->a.c), -EACCES);
}

/* HELLO a second time on a connection changes nothing. */
static void test_second_hello(void **state)
{
	struct world *w = *state;
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_hello_req req;
	struct bfs_hello_rep rep;

	assert_int_equal(stat_errno(&w->a.c), 0);
	assert_int_equal(stat_errno(&w->b.c), 0);
	req = hello_of(w->b.c.t);
	assert_int_equal(bfs_rpc_hello(&w->a.c, &r, &req, &rep), -EPROTO);
	bfs_rpc_end(&r);
	assert_int_equal(stat_errno(&w->a.c), 0);
	assert_int_equal(stat_errno(&w->b.c), 0);
}

/* fcntl(F_SETLK, F_SETLKW) on the whole of an inode. */
static int lock(struct loop_client *l, uint64_t ino, uint32_t type, bool block)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_lock_req req = {
		.handle = { ino,
			    BFS_RIGHT_READ | BFS_RIGHT_WRITE | BFS_RIGHT_LOCK,
			    1 },
		.type = type,
		.flags = block ? BFS_LOCK_BLOCK : 0,
		.end = UINT64_MAX,
		.pid = (uint32_t)l->pid
	};
	struct bfs_lock_rep rep;
	int e;

	r.io.interruptible = true;
	e = bfs_rpc_lock(&l->c, &r, &req, &rep);
	bfs_rpc_end(&r);
	return e;
}

/* A thread that waits for a lock. */
struct waiter {
	pthread_t thread;
	struct world *w;
	struct loop_client *l;
	uint64_t ino;
	int result;
};

static void *run_waiter(void *arg)
{
	struct waiter *t = arg;

	t->result = lock(t->l, t->ino, F_WRLCK, true);
	bfs_tloop_running(t->w->port.net, -1);
	return NULL;
}

static void start(struct waiter *t, struct world *w, struct loop_client *l,
		  uint64_t ino)
{
	*t = (struct waiter){ .w = w, .l = l, .ino = ino, .result = 1 };
	assert_int_equal(stat_errno(&l->c), 0); /* connected */
	bfs_tloop_running(w->port.net, 1);
	assert_int_equal(pthread_create(&t->thread, NULL, run_waiter, t), 0);
}

/* By calling until it is so: time passes in the network only. */
static void until_waiting(struct world *w, struct loop_client *l, unsigned n)
{
	while (bfs_lock_waiting(w->server.locks) < n)
		assert_int_equal(stat_errno(&l->c), 0);
}

static int finish(struct waiter *t)
{
	bfs_tloop_running(t->w->port.net, -1);
	pthread_join(t->thread, NULL);
	bfs_tloop_running(t->w->port.net, 1);
	return t->result;
}

static void pass_time(struct world *w, unsigned calls)
{
	/* Each of these is lost and takes a time-out of 30 s. */
	for (unsigned i = 0; i < calls; i++) {
		fault.op = BFS_OP_STATFS;
		fault.reply = false;
		fault.fate = BFS_TLOOP_LOSE;
		fault.times = 1;
		{
			struct bfs_rpc r = BFS_RPC_INIT;
			struct bfs_statfs_req req = { .path = BFS_STR("") };
			struct bfs_statfs_rep rep;

			assert_int_equal(
				bfs_rpc_statfs(&w->a.c, &r, &req, &rep),
				-ETIMEDOUT);
			bfs_rpc_end(&r);
		}
	}
}

/* RULES 32: a wait is not bounded while the daemon lives; it is renewed, and
 * takes one place in the queue however often. */
static void test_long_wait(void **state)
{
	struct world *w = *state;
	struct waiter t;

	assert_int_equal(lock(&w->a, 5, F_WRLCK, false), 0);
	assert_int_equal(lock(&w->b, 5, F_WRLCK, false), -EAGAIN);
	start(&t, w, &w->b, 5);
	until_waiting(w, &w->a, 1);
	pass_time(w, 10);
	assert_int_equal(t.result, 1);
	assert_int_equal(bfs_lock_waiting(w->server.locks), 1);
	assert_int_equal(lock(&w->a, 5, F_UNLCK, false), 0);
	assert_int_equal(finish(&t), 0);
	assert_int_equal(lock(&w->a, 5, F_RDLCK, false), -EAGAIN);
}

/* F1: when the daemon stops answering, so does the wait. */
static void test_wait_dead_daemon(void **state)
{
	struct world *w = *state;
	struct waiter t;

	assert_int_equal(lock(&w->a, 5, F_WRLCK, false), 0);
	start(&t, w, &w->b, 5);
	until_waiting(w, &w->a, 1);
	fault.op = BFS_OP_CANCEL; /* what asks for a sign of life */
	fault.reply = true;
	fault.fate = BFS_TLOOP_LOSE;
	fault.times = 1;
	assert_int_equal(finish(&t), -ETIMEDOUT);
}

/* The wait outlives its connection. */
static void test_wait_reconnect(void **state)
{
	struct world *w = *state;
	struct waiter t;

	assert_int_equal(lock(&w->a, 5, F_WRLCK, false), 0);
	assert_int_equal(stat_errno(&w->b.c), 0);
	fault.op = BFS_OP_LOCK;
	fault.reply = false;
	fault.fate = BFS_TLOOP_BREAK;
	fault.times = 1;
	start(&t, w, &w->b, 5);
	while (w->b.connects < 2)
		assert_int_equal(stat_errno(&w->a.c), 0);
	until_waiting(w, &w->a, 1);
	assert_int_equal(lock(&w->a, 5, F_UNLCK, false), 0);
	assert_int_equal(finish(&t), 0);
	assert_int_equal(lock(&w->a, 5, F_RDLCK, false), -EAGAIN);
}

/* A signal ends the wait, and the daemon forgets it. */
static void test_wait_interrupted(void **state)
{
	struct world *w = *state;

	assert_int_equal(stat_errno(&w->b.c), 0);
	assert_int_equal(lock(&w->a, 5, F_WRLCK, false), 0);
	fault.op = BFS_OP_LOCK;
	fault.reply = false;
	fault.fate = BFS_TLOOP_INTERRUPT;
	fault.times = 1;
	assert_int_equal(lock(&w->b, 5, F_WRLCK, true), -EINTR);
	bfs_tloop_drain(w->port.net);
	assert_int_equal(bfs_lock_waiting(w->server.locks), 0);
	assert_int_equal(lock(&w->a, 5, F_UNLCK, false), 0);
	assert_int_equal(bfs_lock_held(w->server.locks), 0);
}

/*
 * A signal just as the lock is granted: either the caller has it and knows, or
 * nobody has it.  The order in which the two requests arrive is chance, so
 * many seeds.
 */
static void test_interrupt_race(void **state)
{
	struct world *w = *state;
	unsigned granted = 0;

	assert_int_equal(stat_errno(&w->b.c), 0);
	for (int i = 0; i < 64; i++) {
		int e;

		fault.op = BFS_OP_LOCK;
		fault.reply = false;
		fault.fate = BFS_TLOOP_INTERRUPT;
		fault.times = 1;
		e = lock(&w->b, 5, F_WRLCK, true);
		assert_true(e == 0 || e == -EINTR);
		bfs_tloop_drain(w->port.net);
		assert_int_equal(bfs_lock_held(w->server.locks), e ? 0 : 1);
		granted += !e;
		assert_int_equal(lock(&w->b, 5, F_UNLCK, false), 0);
	}
	assert_true(granted > 0 && granted < 64);
}

static void test_deadlock(void **state)
{
	struct world *w = *state;
	struct waiter t;

	assert_int_equal(lock(&w->a, 1, F_WRLCK, false), 0);
	assert_int_equal(lock(&w->b, 2, F_WRLCK, false), 0);
	start(&t, w, &w->b, 1);
	until_waiting(w, &w->a, 1);
	assert_int_equal(lock(&w->a, 2, F_WRLCK, true), -EDEADLK);
	assert_int_equal(lock(&w->a, 1, F_UNLCK, false), 0);
	assert_int_equal(finish(&t), 0);
}

/* S10: a dead process holds no lock; exec and a lost connection keep it. */
static void test_death(void **state)
{
	struct world *w = *state;
	struct waiter t;
	struct bfs_transport *gone;

	assert_int_equal(lock(&w->a, 5, F_WRLCK, false), 0);
	gone = w->a.made[0];
	w->a.connects = 0;
	atomic_store(&w->a.c.t, NULL);
	gone->ops->destroy(gone); /* as exec does */
	assert_int_equal(lock(&w->b, 5, F_WRLCK, false), -EAGAIN);
	start(&t, w, &w->b, 5);
	until_waiting(w, &w->a, 1); /* connects process 100 anew */
	assert_int_equal(lock(&w->a, 5, F_WRLCK, false), 0); /* still its own */
	loop_client_fini(&w->a);
	loop_client_init(&w->a, &w->port, 300);
	bfs_serve_process_gone(&w->server, 100);
	assert_int_equal(finish(&t), 0);
}

/* A client that dies while it waits leaves nothing behind. */
static void test_death_of_waiter(void **state)
{
	struct world *w = *state;
	struct waiter t;

	assert_int_equal(lock(&w->a, 5, F_WRLCK, false), 0);
	start(&t, w, &w->b, 5);
	until_waiting(w, &w->a, 1);
	w->b.c.reconnect = NULL;
	fault.op = BFS_OP_CANCEL; /* of its renewal: the connection breaks */
	fault.reply = false;
	fault.fate = BFS_TLOOP_RESET;
	fault.times = 1;
	assert_int_equal(finish(&t), -EIO);
	assert_int_equal(bfs_lock_waiting(w->server.locks), 0);
	bfs_serve_process_gone(&w->server, 200);
	assert_int_equal(HASH_COUNT(w->server.sessions), 1);
}

static void test_lock_refusals(void **state)
{
	static const struct {
		struct bfs_lock_req req;
		int error;
	} cases[] = {
		{ { .handle = { 5, 3, 2 }, .end = 1 }, -ESTALE },
		{ { .handle = { 5, 3, 1 }, .space = 3, .end = 1 }, -EINVAL },
		{ { .handle = { 5, 3, 1 }, .type = 3, .end = 1 }, -EINVAL },
		{ { .handle = { 5, 3, 1 }, .start = 1, .end = 1 }, -EINVAL },
		{ { .handle = { 5, 1, 1 }, .type = F_WRLCK, .end = 1 },
		  -EBADF },
		{ { .handle = { 5, 2, 1 }, .type = F_RDLCK, .end = 1 },
		  -EBADF },
		{ { .handle = { 5, 4, 1 }, .type = F_UNLCK, .end = 1 },
		  -EBADF },
		{ { .handle = { 5, 3, 1 }, .type = F_WRLCK, .end = 1 },
		  -ENOLCK },
		{ { .handle = { 5, 3, 1 },
		    .space = BFS_LOCK_FLOCK,
		    .end = 1,
		    .arena_slot = BFS_NO_SLOT },
		  -EBADF },
		{ { .handle = { 5, 3, 1 },
		    .space = BFS_LOCK_FLOCK,
		    .end = 1,
		    .flags = BFS_LOCK_TEST },
		  -EINVAL },
	};
	struct world *w = *state;

	for (size_t i = 0; i < BFS_COUNT(cases); i++) {
		struct bfs_rpc r = BFS_RPC_INIT;
		struct bfs_lock_rep rep;

		assert_int_equal(bfs_rpc_lock(&w->a.c, &r, &cases[i].req, &rep),
				 cases[i].error);
		bfs_rpc_end(&r);
	}
	assert_int_equal(bfs_lock_held(w->server.locks), 0);
}

static void test_stats(void **state)
{
	struct world *w = *state;
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_stats_req req = { .unused = 0 };
	struct bfs_stats_rep rep;
	uint8_t buf[BFS_STAT_COUNT * 8];
	struct bfs_wire in;

	r.io.in = buf;
	r.io.in_cap = sizeof(buf) - 1;
	assert_int_equal(bfs_rpc_stats(&w->a.c, &r, &req, &rep), -ERANGE);
	r.io.in_cap = sizeof(buf);
	bfs_stats.creates = 0x123456789a;
	assert_int_equal(bfs_rpc_stats(&w->a.c, &r, &req, &rep), 0);
	assert_int_equal(rep.count, BFS_STAT_COUNT);
	assert_int_equal(r.io.in_len, sizeof(buf));
	bfs_wire_init(&in, buf + 8 * BFS_STAT_creates, 8);
	assert_true(bfs_get_u64(&in) == 0x123456789a);
	bfs_rpc_end(&r);
}

/* F3: any bytes get one answer, and the daemon goes on. */
static unsigned replies;

static void count_reply(struct bfs_call *c)
{
	replies++;
	assert_true(c->rep_len >= BFS_REP_HEAD_LEN);
	assert_true(c->rep_len <= BFS_FIELDS_MAX);
	assert_true(c->in_len <= c->in_cap);
}

static uint64_t seed = 99;

static uint32_t draw(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33);
}

static void test_hostile_requests(void **state)
{
	static const struct bfs_port_ops ops = { .name = "hostile",
						 .reply = count_reply };
	struct bfs_port port = { .ops = &ops };
	struct bfs_cred cred = { .uid = 1 };
	struct world *w = *state;
	struct bfs_session *sess = bfs_session_new(&w->server, 400, &cred);
	struct bfs_call canceller = { .session = sess };
	static struct bfs_call c;
	static uint8_t rep[BFS_FIELDS_MAX];
	uint8_t in[64];

	for (unsigned i = 0; i < 20000; i++) {
		struct bfs_wire head;

		memset(&c, 0, offsetof(struct bfs_call, req));
		c.server = &w->server;
		c.session = sess;
		c.port = &port;
		c.cred = &cred;
		c.rep = rep;
		c.in = in;
		c.in_cap = draw() % sizeof(in);
		c.req_len = draw() % 200;
		for (size_t n = 0; n < c.req_len; n++)
			c.req[n] = (uint8_t)(draw() % 3 ? 0 : draw());
		bfs_wire_init(&head, c.req, BFS_REQ_HEAD_LEN);
		if (draw() % 8) /* mostly with a head that is let in */
			bfs_put_req_head(
				&head,
				&(struct bfs_req_head){
					.op = draw() % (BFS_OP_LIMIT + 2),
					.id = draw() % 300,
					.session = sess->id,
					.generation = sess->generation });
		bfs_serve(&c);
		/* Only a lock may wait, and then it can be cancelled. */
		if (replies != i + 1)
			assert_int_equal(
				bfs_session_cancel(&canceller, c.head.id), 0);
		assert_int_equal(replies, i + 1);
	}
	bfs_session_put(&w->server, sess);
	assert_int_equal(stat_errno(&w->a.c), 0);
}

/* As after a restart: known from before, of processes that live. */
static struct bfs_session *await(struct world *w, struct loop_client *l)
{
	struct bfs_session *sess;

	assert_int_equal(stat_errno(&l->c), 0);
	sess = bfs_session_find(&w->server, l->c.t->session);
	assert_non_null(sess);
	sess->awaited_until = bfs_now() + 30000000000u;
	w->server.awaits = true;
	return sess;
}

/* RULES 28: what may be asked for again stays while there is somebody who may
 * ask, and no longer. */
static void test_awaited(void **state)
{
	struct world *w = *state;
	struct bfs_session *a = await(w, &w->a), *b = await(w, &w->b);
	struct bfs_hello_req fresh = { .version = BFS_PROTO_VERSION };
	struct bfs_hello_rep rep;
	struct bfs_transport *t;
	int e;

	assert_true(bfs_session_awaited(&w->server));
	/* b's process has executed another program, which is new here */
	t = loop_connect(&w->port, 200, &fresh, &rep, &e);
	assert_non_null(t);
	assert_true(b->awaited_until <= bfs_now() + 3000000000u);
	assert_true(a->awaited_until > bfs_now() + 20000000000u);
	assert_true(bfs_session_awaited(&w->server));
	t->ops->destroy(t);
	/* a's ends, and b's has asked again what it had to */
	loop_client_fini(&w->a);
	loop_client_init(&w->a, &w->port, 300);
	bfs_serve_process_gone(&w->server, 100);
	assert_true(bfs_session_awaited(&w->server));
	b->awaited_until = bfs_now();
	assert_false(bfs_session_awaited(&w->server));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_hello_mismatch),
		T(test_resume),
		T(test_wrong_session),
		T(test_second_hello),
		T(test_awaited),
		T(test_long_wait),
		T(test_wait_dead_daemon),
		T(test_wait_reconnect),
		T(test_wait_interrupted),
		T(test_interrupt_race),
		T(test_deadlock),
		T(test_death),
		T(test_death_of_waiter),
		T(test_lock_refusals),
		T(test_stats),
		T(test_hostile_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
