/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Daemons that call each other over the loop network: a call takes effect once
 * whatever becomes of its messages (F2) and ends by its deadline (F1), only
 * daemons of the same cluster talk to each other (F4).
 */
#include "tests/unit/unit.h"

#include "tests/unit/fake_fs.h"

#include "core/log.h"
#include "core/util.h"
#include "server/peer_impl.h"
#include "server/peer_loop.h"
#include "server/session.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define SHARDS 3
#define SECOND 1000000000ull

struct world {
	struct bfs_ploop *net;
	struct bfs_server server[SHARDS];
	int log;
};

/* What befalls the next messages of its kind. */
static struct {
	uint32_t op;
	bool reply;
	enum bfs_ploop_fate fate;
	unsigned times;
} fault;

static enum bfs_ploop_fate decide(void *arg, const struct bfs_ploop_msg *m)
{
	if (!fault.times || m->op != fault.op || m->reply != fault.reply)
		return BFS_PLOOP_PASS;
	fault.times--;
	return fault.fate;
}

static unsigned met[SHARDS];

static void peer_new(struct bfs_server *s, unsigned shard)
{
	met[shard]++;
}

static void start(struct world *w, unsigned i)
{
	struct bfs_server *s = &w->server[i];
	uint64_t incarnation = s->incarnation;

	fake_server_init(s);
	s->loop = bfs_ploop_loop(w->net);
	s->shard = i;
	s->nshards = SHARDS;
	s->incarnation = incarnation + 1;
	s->peer_new = peer_new;
	memset(s->secret, 7, sizeof(s->secret));
	assert_int_equal(bfs_ploop_join(w->net, s), 0);
}

static void stop(struct world *w, unsigned i)
{
	if (w->server[i].peers)
		bfs_ploop_kill(w->net, &w->server[i]);
	if (w->server[i].locks)
		fake_server_fini(&w->server[i]);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->log = bfs_log_fd = memfd_create("log", MFD_CLOEXEC);
	w->net =
		bfs_ploop_new(&(struct bfs_ploop_config){ .seed = 3,
							  .shards = SHARDS,
							  .delay_min_ns = 1000,
							  .delay_max_ns = 50000,
							  .decide = decide });
	fault.times = 0;
	memset(met, 0, sizeof(met));
	for (unsigned i = 0; i < SHARDS; i++)
		start(w, i);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < SHARDS; i++)
		stop(w, i);
	bfs_ploop_free(w->net);
	assert_int_equal(bfs_fiber_count(), 0);
	close(w->log);
	bfs_log_fd = 2;
	free(w);
	return 0;
}

static bool logged(const struct world *w, const char *text)
{
	char buf[16384];
	ssize_t n = pread(w->log, buf, sizeof(buf) - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	return strstr(buf, text) != NULL;
}

/* One call, on a fiber of its own. */
struct job {
	struct bfs_server *from;
	unsigned to;
	uint32_t op;
	uint64_t deadline;
	int result;
	bool done;
};

static void ping(void *arg)
{
	struct job *j = arg;
	struct bfs_peerping_req req = { .value = 77 };
	struct bfs_peerping_rep rep;
	uint8_t room[BFS_FIELDS_MAX];

	j->result = bfs_peer_peerping(j->from, j->to, j->deadline, &req, &rep,
				      room);
	if (!j->result)
		assert_int_equal(rep.value, 77);
	j->done = true;
}

static void mknod_there(void *arg)
{
	struct job *j = arg;
	struct bfs_mknod_req req = { .mode = 0 };
	struct bfs_mknod_rep rep;
	uint8_t room[BFS_FIELDS_MAX];

	j->result =
		bfs_peer_mknod(j->from, j->to, j->deadline, &req, &rep, room);
	j->done = true;
}

static struct job job(struct world *w, unsigned from, unsigned to,
		      uint64_t seconds)
{
	return (struct job){ .from = &w->server[from],
			     .to = to,
			     .deadline = bfs_now() + seconds * SECOND };
}

static int run(struct world *w, struct job *j, void (*fn)(void *arg))
{
	assert_int_equal(bfs_fiber_run(fn, j), 0);
	bfs_ploop_run(w->net, &j->done, 1000 * SECOND);
	assert_true(j->done);
	return j->result;
}

static int call(struct world *w, unsigned from, unsigned to, uint64_t seconds,
		void (*fn)(void *arg))
{
	struct job j = job(w, from, to, seconds);

	return run(w, &j, fn);
}

static void test_ping(void **state)
{
	struct world *w = *state;
	struct bfs_peerping_req req = { .value = 1 };
	struct bfs_peerping_rep rep;
	uint8_t room[BFS_FIELDS_MAX];

	for (unsigned i = 0; i < SHARDS; i++)
		for (unsigned k = 0; k < SHARDS; k++) /* itself too */
			assert_int_equal(call(w, i, k, 30, ping), 0);
	/* Two greetings and one message for each pair, none for oneself. */
	assert_int_equal(bfs_ploop_sent(w->net, BFS_OP_PEERHELLO),
			 2 * SHARDS * (SHARDS - 1));
	assert_int_equal(bfs_ploop_sent(w->net, BFS_OP_PEERPING),
			 SHARDS * (SHARDS - 1));
	/* Nothing is sent outside of a fiber. */
	assert_int_equal(bfs_peer_peerping(&w->server[0], 1, UINT64_MAX, &req,
					   &rep, room),
			 -BFS_NEED_FIBER);
	assert_int_equal(bfs_ploop_sent(w->net, BFS_OP_PEERPING),
			 SHARDS * (SHARDS - 1));
}

/* F2. */
static void test_once(void **state)
{
	static const struct {
		bool reply;
		enum bfs_ploop_fate fate;
		unsigned times;
	} accidents[] = {
		{ false, BFS_PLOOP_LOSE, 1 },
		{ false, BFS_PLOOP_BREAK, 1 },
		{ false, BFS_PLOOP_DUPLICATE, 1 },
		{ false, BFS_PLOOP_STRAY, 1 },
		{ true, BFS_PLOOP_LOSE, 1 },
		{ true, BFS_PLOOP_LOSE, 2 },
		{ true, BFS_PLOOP_BREAK, 1 },
		{ true, BFS_PLOOP_BREAK, 3 },
		{ true, BFS_PLOOP_DUPLICATE, 1 },
		{ true, BFS_PLOOP_STRAY, 1 },
	};
	struct world *w = *state;
	bool never = false;

	fault.op = BFS_OP_MKNOD;
	for (size_t i = 0; i < BFS_COUNT(accidents); i++) {
		fault.reply = accidents[i].reply;
		fault.fate = accidents[i].fate;
		fault.times = accidents[i].times;
		assert_int_equal(call(w, 0, 1, 30, mknod_there), 0);
		assert_int_equal(fault.times, 0);
		bfs_ploop_run(w->net, &never, 7200 * SECOND);
		if (fake_effects[BFS_OP_MKNOD] != i + 1)
			fail_msg("accident %zu: happened %u times", i,
				 fake_effects[BFS_OP_MKNOD] - (unsigned)i);
	}
}

/* F1: no longer than the deadline; the dead are told from the silent. */
static void test_down(void **state)
{
	struct world *w = *state;
	uint64_t before;

	assert_int_equal(call(w, 0, 1, 30, ping), 0);
	bfs_ploop_cut(w->net, 1, true);
	before = bfs_now();
	assert_int_equal(call(w, 0, 1, 30, ping), -ETIMEDOUT);
	assert_int_equal((bfs_now() - before) / SECOND, 30);
	assert_false(bfs_peer_dead(&w->server[0], 1));
	bfs_ploop_cut(w->net, 1, false);
	assert_int_equal(call(w, 0, 1, 30, ping), 0);

	stop(w, 1);
	before = bfs_now();
	assert_int_equal(call(w, 0, 1, 5, ping), -EIO);
	assert_int_equal((bfs_now() - before) / SECOND, 5);
	assert_true(bfs_peer_dead(&w->server[0], 1));
	assert_false(bfs_peer_dead(&w->server[2], 1)); /* has not asked */
	assert_true(logged(w, "no connection to shard 1"));

	start(w, 1);
	assert_int_equal(call(w, 0, 1, 5, ping), 0);
	assert_false(bfs_peer_dead(&w->server[0], 1));
	assert_int_equal(met[1], 1);
}

static void test_dead_soon(void **state)
{
	struct world *w = *state;
	bool never = false;

	/* An open connection tells at once, without a call. */
	assert_int_equal(call(w, 0, 1, 30, ping), 0);
	stop(w, 1);
	bfs_ploop_run(w->net, &never, SECOND);
	assert_true(bfs_peer_dead(&w->server[0], 1));
}

static struct bfs_peer_msg unless_dead;
static bool ended;

static void on_end(struct bfs_peer_msg *m)
{
	assert_null(bfs_fiber_self());
	ended = true;
}

static void test_unless_dead(void **state)
{
	struct world *w = *state;
	uint64_t before = bfs_now();

	stop(w, 1);
	ended = false;
	unless_dead = (struct bfs_peer_msg){ .op = BFS_OP_GETATTR,
					     .unless_dead = true,
					     .deadline = before + 30 * SECOND,
					     .done = on_end };
	bfs_peer_send(&w->server[0], 1, &unless_dead);
	assert_false(ended);
	assert_true(bfs_ploop_run(w->net, &ended, 1000 * SECOND));
	assert_int_equal(unless_dead.status, -EHOSTDOWN);
	assert_true(bfs_now() - before < SECOND);
}

/* A daemon that starts anew and remembers nothing cannot say whether it has
 * done what it is asked again; one that remembers can. */
static void restarted(struct world *w, bool remembers, int expected)
{
	struct job j = job(w, 0, 1, 30);

	assert_int_equal(call(w, 0, 1, 30, ping), 0);
	fault.op = BFS_OP_MKNOD;
	fault.reply = true;
	fault.fate = BFS_PLOOP_LOSE;
	fault.times = 1;
	assert_int_equal(bfs_fiber_run(mknod_there, &j), 0);
	while (fault.times)
		bfs_ploop_step(w->net);
	stop(w, 1);
	start(w, 1);
	w->server[1].remembers = remembers;
	bfs_ploop_run(w->net, &j.done, 1000 * SECOND);
	assert_true(j.done);
	assert_int_equal(j.result, expected);
	/* What had not been sent before goes to the new one. */
	assert_int_equal(call(w, 0, 1, 30, mknod_there), 0);
}

static void test_restarted(void **state)
{
	restarted(*state, false, -EIO);
	restarted(*state, true, 0);
}

/* A handler that asks another daemon first. */
static int relay_to;

static int relay(struct bfs_call *c)
{
	struct job j = { .from = c->server, .to = (unsigned)relay_to };

	if (c->server->shard == (unsigned)relay_to)
		return 0;
	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	j.deadline = c->deadline;
	mknod_there(&j);
	return j.result;
}

static void test_relay(void **state)
{
	struct world *w = *state;
	uint64_t before;

	fake_hook = relay;
	relay_to = 2;
	assert_int_equal(call(w, 0, 1, 30, mknod_there), 0);
	/* At 1 and at 2: each once. */
	assert_int_equal(fake_effects[BFS_OP_MKNOD], 2);
	/* The request comes again while its handler waits. */
	fault.op = BFS_OP_MKNOD;
	fault.reply = false;
	fault.fate = BFS_PLOOP_DUPLICATE;
	fault.times = 2;
	assert_int_equal(call(w, 0, 1, 30, mknod_there), 0);
	assert_int_equal(fake_effects[BFS_OP_MKNOD], 4);
	/* An error of the last one is that of the first. */
	fake_result = -ENOSPC;
	assert_int_equal(call(w, 0, 1, 30, mknod_there), -ENOSPC);
	fake_result = 0;
	/* The last one is gone: the deadline is one for both hops. */
	stop(w, 2);
	before = bfs_now();
	assert_true(call(w, 0, 1, 10, mknod_there) < 0);
	assert_int_equal((bfs_now() - before) / SECOND, 10);
}

/* A killed daemon's handlers end, and a caller hears of it in time. */
static void test_killed_while_serving(void **state)
{
	struct world *w = *state;
	struct job j = job(w, 0, 1, 20);

	fake_hook = relay;
	relay_to = 2;
	bfs_ploop_cut(w->net, 2, true);
	assert_int_equal(bfs_fiber_run(mknod_there, &j), 0);
	while (bfs_ploop_sent(w->net, BFS_OP_PEERHELLO) < 3)
		bfs_ploop_step(w->net);
	assert_int_equal(bfs_fiber_count(), 2);
	stop(w, 1);
	assert_int_equal(bfs_fiber_count(), 1);
	bfs_ploop_run(w->net, &j.done, 1000 * SECOND);
	assert_int_equal(j.result, -EIO);
}

static struct bfs_peer_msg waiting;
static uint8_t lock_rep[64];

/* A lock that 2 has at 1, and that 0 waits for. */
static void send_waiting(struct world *w)
{
	struct bfs_lock_req req = { .handle = { .ino = 5,
						.rights = BFS_RIGHT_WRITE |
							  BFS_RIGHT_LOCK,
						.mac = 1 },
				    .space = BFS_LOCK_POSIX,
				    .type = F_WRLCK,
				    .flags = BFS_LOCK_BLOCK,
				    .end = UINT64_MAX };
	uint8_t fields[256];
	struct bfs_wire f;

	bfs_wire_init(&f, fields, sizeof(fields));
	bfs_lock_req_put(&f, &req);
	for (unsigned i = 2; i != 1; i = i ? 0 : 1) {
		waiting = (struct bfs_peer_msg){ .op = BFS_OP_LOCK,
						 .req = fields,
						 .req_len = (size_t)(f.pos -
								     fields),
						 .rep = lock_rep,
						 .rep_cap = sizeof(lock_rep),
						 .deadline = UINT64_MAX,
						 .done = on_end };
		ended = false;
		bfs_peer_send(&w->server[i], 1, &waiting);
		bfs_ploop_run(w->net, &ended, SECOND);
	}
	assert_false(ended);
}

static void test_wait_lasts(void **state)
{
	struct world *w = *state;

	send_waiting(w);
	assert_false(bfs_ploop_run(w->net, &ended, 3600 * SECOND));
	/* One sign of life each 10 s. */
	assert_in_range(bfs_ploop_sent(w->net, BFS_OP_PEERPING), 300, 370);
	bfs_ploop_cut(w->net, 1, true);
	assert_true(bfs_ploop_run(w->net, &ended, 31 * SECOND));
	assert_int_equal(waiting.status, -ETIMEDOUT);
	assert_true(logged(w, "shard 1 gives no sign of life"));
}

static void test_wait_cancelled(void **state)
{
	struct world *w = *state;
	uint64_t before;

	send_waiting(w);
	before = bfs_now();
	bfs_peer_msg_cancel(&w->server[0], 1, &waiting);
	assert_true(bfs_ploop_run(w->net, &ended, 100 * SECOND));
	assert_int_equal(waiting.status, -EINTR);
	assert_true(bfs_now() - before < SECOND);
}

/* The connection goes when the answer to its greeting has come, and nobody has
 * looked at it: it is none to the next greeting. */
static void test_late_greeting(void **state)
{
	struct world *w = *state;
	struct bfs_peers *all = w->server[0].peers;
	struct bfs_peer *p = bfs_peer_get(&w->server[0], 1);

	bfs_peer_link_start(p);
	assert_non_null(p->hello);
	bfs_peer_net_answered(p->hello);
	bfs_peer_net_failed(p, -ECONNRESET);
	assert_null(p->hello);
	bfs_peers_settle(all);
	assert_int_equal(all->counts.failures, 1);
	assert_int_equal(p->state, BFS_PEER_PAUSE);
	assert_int_equal(call(w, 0, 1, 5, ping), 0);
	assert_int_equal(all->counts.failures, 1);
}

/* F4. */
static void test_strangers(void **state)
{
	struct world *w = *state;

	memset(w->server[1].secret, 8, sizeof(w->server[1].secret));
	assert_int_equal(call(w, 0, 1, 5, ping), -EIO);
	assert_true(logged(w, "greeting of shard 0 refused by shard 1: they "
			      "do not have the same secret"));
	w->server[2].cluster = 0x9999;
	assert_int_equal(call(w, 0, 2, 5, ping), -EIO);
	assert_true(logged(w, "cluster 0000000000001234, member list "
			      "0000000000005678) refused by shard 2"));
	assert_true(logged(w, "cluster 0000000000009999"));
	assert_int_equal(fake_effects[BFS_OP_PEERPING], 0);
}

/* Many at once, more than may be under way. */
static void test_window(void **state)
{
	enum { N = 2000 };
	struct world *w = *state;
	struct job *jobs = calloc(N, sizeof(*jobs));
	unsigned done = 0;

	fault.op = BFS_OP_MKNOD;
	fault.reply = true;
	fault.fate = BFS_PLOOP_BREAK;
	fault.times = 10;
	for (unsigned i = 0; i < N; i++) {
		jobs[i] = job(w, 0, 1, 30);
		assert_int_equal(bfs_fiber_run(mknod_there, &jobs[i]), 0);
	}
	while (bfs_ploop_step(w->net) && done < N)
		for (done = 0; done < N && jobs[done].done; done++)
			;
	for (unsigned i = 0; i < N; i++)
		assert_true(jobs[i].done && !jobs[i].result);
	assert_int_equal(fake_effects[BFS_OP_MKNOD], N);
	free(jobs);
}

/* A thousand daemons: what each costs the others is what it asks of them. */
static void test_thousand(void **state)
{
	enum { N = 1000 };
	struct world *w = calloc(1, sizeof(*w));
	struct bfs_server *all = calloc(N, sizeof(*all));
	struct job *jobs = calloc(2 * N, sizeof(*jobs));
	bool never = false;

	w->net = bfs_ploop_new(
		&(struct bfs_ploop_config){ .seed = 1,
					    .shards = N,
					    .delay_min_ns = 10000,
					    .delay_max_ns = 50000 });
	for (unsigned i = 0; i < N; i++) {
		fake_server_init(&all[i]);
		all[i].loop = bfs_ploop_loop(w->net);
		all[i].shard = i;
		all[i].nshards = N;
		assert_int_equal(bfs_ploop_join(w->net, &all[i]), 0);
	}
	for (unsigned i = 0; i < 2 * N; i++) {
		jobs[i] = (struct job){ .from = &all[i % N],
					.to = i < N ? (i + 1) % N : 0,
					.deadline = bfs_now() + 30 * SECOND };
		assert_int_equal(bfs_fiber_run(ping, &jobs[i]), 0);
	}
	bfs_ploop_run(w->net, &never, SECOND);
	for (unsigned i = 0; i < 2 * N; i++)
		assert_true(jobs[i].done && !jobs[i].result);
	/* 2 N pings less those of 0 to itself; its neighbour asks it twice. */
	assert_int_equal(bfs_ploop_sent(w->net, BFS_OP_PEERPING), 2 * N - 1);
	assert_int_equal(bfs_ploop_sent(w->net, BFS_OP_PEERHELLO),
			 2 * (2 * N - 2));
	for (unsigned i = 0; i < N; i++) {
		bfs_ploop_kill(w->net, &all[i]);
		fake_server_fini(&all[i]);
	}
	bfs_ploop_free(w->net);
	free(jobs);
	free(all);
	free(w);
}

static void is_over(struct bfs_peer_msg *m)
{
	++*(int *)m->arg;
}

/* A daemon that stops, whose ways to the others are gone. */
static void test_after_the_end(void **state)
{
	struct bfs_server s = { .nshards = 3 };
	int over = 0;
	struct bfs_peer_msg m = { .op = BFS_OP_TXSETTLED,
				  .done = is_over,
				  .arg = &over };

	bfs_peer_send(&s, 1, &m);
	assert_int_equal(over, 1);
	assert_int_equal(m.status, -ECANCELED);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_ping),
		T(test_once),
		T(test_down),
		T(test_dead_soon),
		T(test_unless_dead),
		T(test_restarted),
		T(test_relay),
		T(test_killed_while_serving),
		T(test_wait_lasts),
		T(test_wait_cancelled),
		T(test_late_greeting),
		T(test_strangers),
		T(test_window),
		cmocka_unit_test(test_thousand),
		cmocka_unit_test(test_after_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
