/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The RPC engine and the sessions together, over a network that loses,
 * repeats, delays and cuts: F1, F2, F4, RULES 26 and 32.
 */
#include "tests/unit/unit.h"

#include "tests/unit/fake_fs.h"
#include "tests/unit/loop_port.h"

#include "core/log.h"
#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#define MS 1000000u

/* Each RPC with an empty request. */
#define RPC(num, NAME, name, flags, reqf, repf) \
	static int call_##name(struct bfs_client *c) \
	{ \
		struct bfs_rpc r = BFS_RPC_INIT; \
		struct bfs_##name##_req req; \
		struct bfs_##name##_rep rep; \
		int e; \
\
		memset(&req, 0, sizeof(req)); \
		e = bfs_rpc_##name(c, &r, &req, &rep); \
		bfs_rpc_end(&r); \
		return e; \
	}
#include "core/proto.def"
#undef RPC

static const struct {
	const char *name;
	int (*call)(struct bfs_client *c);
} calls[BFS_OP_LIMIT] = {
#define RPC(num, NAME, name, flags, req, rep) [num] = { #name, call_##name },
#include "core/proto.def"
#undef RPC
};

struct world {
	struct bfs_server server;
	struct loop_port port;
	struct loop_client client;
};

/* What befalls the next message of its kind. */
static struct {
	bool reply;
	uint32_t op; /* 0: any but HELLO */
	enum bfs_tloop_fate fate;
	unsigned times;
} fault;

static enum bfs_tloop_fate decide(void *arg, const struct bfs_tloop_msg *m)
{
	if (!fault.times || m->reply != fault.reply || m->op == BFS_OP_HELLO ||
	    (fault.op && m->op != fault.op))
		return BFS_TLOOP_PASS;
	fault.times--;
	return fault.fate;
}

static void inflict(bool reply, enum bfs_tloop_fate fate, unsigned times)
{
	fault.reply = reply;
	fault.op = 0;
	fault.fate = fate;
	fault.times = times;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct bfs_tloop_config config = { .seed = 1,
					   .delay_min_ns = 1000,
					   .delay_max_ns = 2000 };

	bfs_log_fd = -1; /* faults are logged, as they should */
	fake_server_init(&w->server);
	loop_port_init(&w->port, &w->server, config);
	w->port.decide = decide;
	loop_client_init(&w->client, &w->port, 100);
	inflict(false, BFS_TLOOP_PASS, 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	loop_client_fini(&w->client);
	loop_port_fini(&w->port);
	fake_server_fini(&w->server);
	free(w);
	return 0;
}

/* F2, for every request that must happen once and every way to lose it. */
static void test_once(void **state)
{
	static const struct {
		bool reply;
		enum bfs_tloop_fate fate;
		unsigned times;
	} accidents[] = {
		{ false, BFS_TLOOP_RESET, 1 },	   /* it never arrived */
		{ false, BFS_TLOOP_BREAK, 1 },	   /* who knows? */
		{ false, BFS_TLOOP_DUPLICATE, 1 }, /* it arrives twice */
		{ false, BFS_TLOOP_STRAY, 1 },	   /* and once more later */
		{ true, BFS_TLOOP_RESET, 1 },	   /* the answer is lost */
		{ true, BFS_TLOOP_RESET, 3 },	   /* again and again */
		{ true, BFS_TLOOP_DUPLICATE, 1 },
	};
	struct world *w = *state;
	unsigned expected = 0;

	for (size_t i = 0; i < BFS_COUNT(accidents); i++) {
		expected++;
		for (uint32_t op = 1; op < BFS_OP_LIMIT; op++) {
			if (bfs_op_flags(op) != BFS_RPC_ONCE ||
			    bfs_op_peer(op) || op == BFS_OP_VIA)
				continue; /* VIA is another call's wrapping */
			loop_client_fini(&w->client);
			loop_client_init(&w->client, &w->port, 100);
			inflict(accidents[i].reply, accidents[i].fate,
				accidents[i].times);
			assert_int_equal(calls[op].call(&w->client.c), 0);
			assert_int_equal(fault.times, 0);
			bfs_tloop_drain(w->port.net);
			if (fake_effects[op] != expected)
				fail_msg("%s, accident %zu: happened %u times",
					 calls[op].name, i,
					 fake_effects[op] - expected + 1);
		}
	}
}

/* A refusal is an answer too, and stays the same. */
static void test_once_error(void **state)
{
	struct world *w = *state;

	fake_result = -EEXIST;
	inflict(true, BFS_TLOOP_RESET, 2);
	assert_int_equal(call_mknod(&w->client.c), -EEXIST);
	assert_int_equal(fake_effects[BFS_OP_MKNOD], 1);
}

/* The daemon still works on a request when it comes again. */
static void test_once_in_progress(void **state)
{
	struct world *w = *state;
	struct bfs_wire fields;

	fake_park = true;
	inflict(false, BFS_TLOOP_BREAK, 1);
	w->client.c.timeout_ms = 100;
	assert_int_equal(call_write(&w->client.c), -ETIMEDOUT);
	bfs_tloop_drain(w->port.net);
	assert_int_equal(w->client.connects, 2); /* so it was sent twice */
	assert_int_equal(fake_effects[BFS_OP_WRITE], 1);
	fake_park = false;
	fields = bfs_call_fields(fake_parked);
	bfs_write_rep_put(&fields, &(struct bfs_write_rep){ .written = 7 });
	bfs_call_fields_end(fake_parked, &fields);
	bfs_call_finish(fake_parked, 0);
	bfs_tloop_drain(w->port.net);
	assert_int_equal(bfs_tloop_counts(w->port.net).late, 2); /* both */
}

/* F1: the deadline holds, and an answer behind it is dropped. */
static void test_timeout(void **state)
{
	struct world *w = *state;

	assert_int_equal(call_getattr(&w->client.c), 0);
	inflict(false, BFS_TLOOP_LOSE, 1);
	assert_int_equal(call_getattr(&w->client.c), -ETIMEDOUT);
	inflict(true, BFS_TLOOP_LOSE, 1);
	assert_int_equal(call_mknod(&w->client.c), -ETIMEDOUT);
	assert_int_equal(fake_effects[BFS_OP_MKNOD], 1);
	assert_int_equal(call_getattr(&w->client.c), 0); /* works again */
	assert_int_equal(w->client.connects, 1);
}

static int echo(struct bfs_client *c, uint64_t ino, uint64_t *got)
{
	struct bfs_rpc r = BFS_RPC_INIT;
	struct bfs_getattr_req req = { .at = { .ino = ino } };
	struct bfs_getattr_rep rep = { .attr = { .ino = 0 } };
	int e = bfs_rpc_getattr(c, &r, &req, &rep);

	bfs_rpc_end(&r);
	*got = rep.attr.ino;
	return e;
}

static void test_late_answer(void **state)
{
	struct world *w = *state;
	uint64_t ino;

	assert_int_equal(call_getattr(&w->client.c), 0);
	w->client.c.timeout_ms = 0; /* no answer can be in time */
	assert_int_equal(echo(&w->client.c, 1, &ino), -ETIMEDOUT);
	w->client.c.timeout_ms = 30000;
	assert_int_equal(echo(&w->client.c, 2, &ino), 0);
	assert_int_equal(ino, 2);
	bfs_tloop_drain(w->port.net);
	assert_int_equal(bfs_tloop_counts(w->port.net).late, 1);
}

/* Many calls in flight whose answers overtake each other (B1). */
struct echoer {
	pthread_t thread;
	struct world *w;
	uint64_t base;
	unsigned wrong;
};

static void *run_echoer(void *arg)
{
	struct echoer *t = arg;
	uint64_t got;

	for (uint64_t i = 0; i < 200; i++)
		if (echo(&t->w->client.c, t->base + i, &got) ||
		    got != t->base + i)
			t->wrong++;
	bfs_tloop_running(t->w->port.net, -1);
	return NULL;
}

static void test_swapped_answers(void **state)
{
	struct world *w = *state;
	struct echoer t[4] = { { 0 } };

	assert_int_equal(call_getattr(&w->client.c), 0);
	bfs_tloop_running(w->port.net, BFS_COUNT(t) - 1);
	for (size_t i = 0; i < BFS_COUNT(t); i++) {
		t[i].w = w;
		t[i].base = 1000 * (i + 1);
		assert_int_equal(
			pthread_create(&t[i].thread, NULL, run_echoer, &t[i]),
			0);
	}
	for (size_t i = 0; i < BFS_COUNT(t); i++) {
		pthread_join(t[i].thread, NULL);
		assert_int_equal(t[i].wrong, 0);
	}
	bfs_tloop_running(w->port.net, 1);
	assert_int_equal(bfs_tloop_counts(w->port.net).late, 0);
}

/* A transport that brings whatever a hostile daemon would send. */
static uint8_t forged[BFS_FIELDS_MAX];
static size_t forged_len;

static int forged_begin(struct bfs_transport *t, struct bfs_io *io)
{
	static uint8_t req[BFS_FIELDS_MAX];

	io->req = req;
	io->req_cap = sizeof(req);
	return 0;
}

static int forged_call(struct bfs_transport *t, struct bfs_io *io)
{
	io->rep = forged;
	io->rep_len = forged_len;
	return 0;
}

static void forged_end(struct bfs_transport *t, struct bfs_io *io)
{
}

static void test_forged_answers(void **state)
{
	static const struct bfs_transport_ops ops = { .begin = forged_begin,
						      .call = forged_call,
						      .end = forged_end };
	static const struct bfs_rep_head heads[] = {
		{ BFS_OP_FSYNC, 0, 2 },		 /* another id */
		{ BFS_OP_STATS, 0, 1 },		 /* another op */
		{ BFS_OP_FSYNC, BFS_ESCAPE, 1 }, /* an escape without fields */
		{ BFS_OP_FSYNC, UINT32_MAX, 1 }, /* no status at all */
	};
	struct bfs_transport t = { .ops = &ops };
	struct bfs_wire w;

	for (size_t i = 0; i < BFS_COUNT(heads); i++) {
		struct bfs_client c = { .t = &t, .timeout_ms = 1000 };

		bfs_wire_init(&w, forged, sizeof(forged));
		bfs_put_rep_head(&w, &heads[i]);
		forged_len = BFS_REP_HEAD_LEN;
		assert_int_equal(call_fsync(&c), -EIO);
		forged_len = i; /* too short for a head */
		assert_int_equal(call_fsync(&c), -EIO);
	}
}

/*
 * RULES 26: write 1 is under way when its connection goes and is given up;
 * write 2 is acknowledged over a new one; then write 1 arrives.
 */
static void test_older_generation(void **state)
{
	struct world *w = *state;

	int (*reconnect)(struct bfs_client *, struct bfs_transport *,
			 uint64_t) = w->client.c.reconnect;

	assert_int_equal(call_getattr(&w->client.c), 0);
	inflict(false, BFS_TLOOP_STRAY, 1);
	w->client.c.reconnect = NULL; /* the application gives up */
	assert_int_equal(call_write(&w->client.c), -EIO);
	w->client.c.reconnect = reconnect;
	assert_int_equal(call_write(&w->client.c), 0);
	assert_int_equal(w->client.connects, 2);
	assert_int_equal(fake_effects[BFS_OP_WRITE], 1);
	bfs_tloop_drain(w->port.net); /* there it is */
	assert_int_equal(fake_effects[BFS_OP_WRITE], 1);
}

/* ...and what it is told then is not what a retry of write 1 is told. */
static void test_refusal_not_remembered(void **state)
{
	struct world *w = *state;

	inflict(false, BFS_TLOOP_STRAY, 1);
	assert_int_equal(call_write(&w->client.c), 0);
	bfs_tloop_drain(w->port.net);
	w->client.c.next_id--; /* the same request once more */
	assert_int_equal(call_write(&w->client.c), 0);
	assert_int_equal(fake_effects[BFS_OP_WRITE], 1);
}

/* A daemon that was started anew cannot know what has been done already. */
static void test_forgotten_session(void **state)
{
	struct world *w = *state;

	assert_int_equal(call_getattr(&w->client.c), 0);
	inflict(true, BFS_TLOOP_RESET, 1);
	fault.op = BFS_OP_MKNOD;
	w->client.forget = true;
	assert_int_equal(call_mknod(&w->client.c), -EIO);
	assert_int_equal(fake_effects[BFS_OP_MKNOD], 1);
	/* What only reads, and what comes later, is served (F1). */
	inflict(true, BFS_TLOOP_RESET, 1);
	w->client.forget = true;
	assert_int_equal(call_getattr(&w->client.c), 0);
	assert_int_equal(call_mknod(&w->client.c), 0);
}

/* A session remembers more answers than calls can be in flight. */
static void test_bounded_memory(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 3 * BFS_REMEMBERED; i++)
		assert_int_equal(call_mknod(&w->client.c), 0);
	inflict(true, BFS_TLOOP_RESET, 1);
	assert_int_equal(call_mknod(&w->client.c), 0);
	assert_int_equal(fake_effects[BFS_OP_MKNOD], 3 * BFS_REMEMBERED + 1);
	/* One that comes again when its answer is gone must not run again. */
	w->client.c.next_id -= BFS_REMEMBERED + 1;
	assert_int_equal(call_mknod(&w->client.c), -EIO);
	assert_int_equal(fake_effects[BFS_OP_MKNOD], 3 * BFS_REMEMBERED + 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_once),
		T(test_once_error),
		T(test_once_in_progress),
		T(test_timeout),
		T(test_late_answer),
		T(test_swapped_answers),
		T(test_forged_answers),
		T(test_older_generation),
		T(test_refusal_not_remembered),
		T(test_forgotten_session),
		T(test_bounded_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
