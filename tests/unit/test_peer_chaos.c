/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Thousands of calls between daemons while messages get lost, come twice, late
 * or damaged, connections break, and daemons are cut off, killed and started
 * anew.  Each call has a number; what is asserted is how often its effect has
 * happened (F2), that it ends in time (F1), and that everybody lives (F3).
 *
 *	test_peer_chaos [seeds [first]]		more of them
 */
#include "tests/unit/unit.h"

#include "tests/unit/fake_fs.h"

#include "core/log.h"
#include "core/util.h"
#include "server/answer.h"
#include "server/peer_loop.h"
#include "server/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define SHARDS 5
#define CALLS 3000
#define SECOND 1000000000ull
#define DEADLINE (20 * SECOND)

struct call {
	unsigned from, to;
	uint64_t number, begin;
	int status;
	bool done;
};

/* What a journal would keep of a session. */
struct kept {
	uint64_t id, ticket, incarnation;
	unsigned shard;
	struct bfs_answer **answers;
	unsigned n;
};

static struct {
	struct bfs_ploop *net;
	struct bfs_server server[SHARDS];
	bool up[SHARDS];
	bool remember; /* answers outlive a daemon */
	struct kept kept[SHARDS][4 * SHARDS];
	unsigned nkept[SHARDS];
	struct call calls[CALLS];
	uint8_t effects[CALLS];
	uint64_t random;
	bool never;
} w;

static uint64_t draw(uint64_t below)
{
	w.random ^= w.random >> 12;
	w.random ^= w.random << 25;
	w.random ^= w.random >> 27;
	return (w.random * 0x2545f4914f6cdd1du >> 11) % below;
}

/* mknod with a number: half of them ask another daemon first, which has an
 * effect of its own. */
static int relay(struct bfs_call *c, uint64_t number)
{
	struct bfs_mknod_req req = { .rdev = number, .mode = 1 };
	struct bfs_mknod_rep rep;
	uint8_t room[BFS_FIELDS_MAX];

	if (!bfs_fiber_self())
		return -BFS_NEED_FIBER;
	return bfs_peer_mknod(c->server, (c->server->shard + 1) % SHARDS,
			      c->deadline, &req, &rep, room);
}

static int hook(struct bfs_call *c)
{
	struct bfs_mknod_req req;
	struct bfs_wire in;
	int r = 0;

	if (c->head.op != BFS_OP_MKNOD)
		return 0;
	bfs_wire_init(&in, c->req + BFS_REQ_HEAD_LEN,
		      c->req_len - BFS_REQ_HEAD_LEN);
	if (bfs_mknod_req_get(&in, &req) || req.rdev >= CALLS)
		return -EINVAL;
	if (req.mode == 0 && req.rdev % 2)
		r = relay(c, req.rdev);
	if (!r && req.mode == 0)
		w.effects[req.rdev]++;
	return r;
}

static void keep(unsigned i)
{
	struct bfs_session *s;

	w.nkept[i] = 0;
	for (s = w.server[i].sessions; s; s = s->hh.next) {
		struct kept *k = &w.kept[i][w.nkept[i]];

		if (!s->is_peer || s->shard == i)
			continue;
		assert_true(w.nkept[i]++ < BFS_COUNT(w.kept[i]));
		*k = (struct kept){ s->id,    s->ticket,  s->incarnation,
				    s->shard, s->answers, s->nanswers };
		s->answers = NULL;
		s->nanswers = 0;
	}
}

static void restore(unsigned i)
{
	for (unsigned n = 0; n < w.nkept[i]; n++) {
		struct kept *k = &w.kept[i][n];
		struct bfs_session *s =
			w.remember ? bfs_session_new_peer(&w.server[i], k->id,
							  k->ticket, k->shard,
							  k->incarnation)
				   : NULL;

		if (s) {
			s->answers = k->answers;
			s->nanswers = k->n;
			continue;
		}
		for (unsigned a = 0; a < k->n; a++)
			free(k->answers[a]);
		free(k->answers);
	}
	w.nkept[i] = 0;
}

static void start(unsigned i)
{
	struct bfs_server *s = &w.server[i];
	uint64_t incarnation = s->incarnation;
	unsigned effects = fake_effects[BFS_OP_MKNOD];

	fake_server_init(s);
	fake_effects[BFS_OP_MKNOD] = effects;
	fake_hook = hook;
	s->loop = bfs_ploop_loop(w.net);
	s->shard = i;
	s->nshards = SHARDS;
	s->incarnation = incarnation + 1;
	s->remembers = w.remember;
	memset(s->secret, 7, sizeof(s->secret));
	restore(i);
	assert_int_equal(bfs_ploop_join(w.net, s), 0);
	w.up[i] = true;
}

static void stop(unsigned i)
{
	w.up[i] = false;
	bfs_ploop_kill(w.net, &w.server[i]);
	keep(i);
	fake_server_fini(&w.server[i]);
}

static void run_call(void *arg)
{
	struct call *c = arg;
	struct bfs_mknod_req req = { .rdev = c->number };
	struct bfs_mknod_rep rep;
	uint8_t room[BFS_FIELDS_MAX];

	c->status = bfs_peer_mknod(&w.server[c->from], c->to,
				   c->begin + DEADLINE, &req, &rep, room);
	/* A second for each of the two hops' last words. */
	if (bfs_now() - c->begin > DEADLINE + 2 * SECOND)
		fail_msg("call %llu took %llu ms",
			 (unsigned long long)c->number,
			 (unsigned long long)(bfs_now() - c->begin) / 1000000);
	c->done = true;
}

static void begin_call(uint64_t number)
{
	struct call *c = &w.calls[number];

	do {
		c->from = (unsigned)draw(SHARDS);
		c->to = (unsigned)draw(SHARDS);
	} while (!w.up[c->from]);
	c->number = number;
	c->begin = bfs_now();
	assert_int_equal(bfs_fiber_run(run_call, c), 0);
}

static void accident(void)
{
	unsigned i = (unsigned)draw(SHARDS), up = 0;

	for (unsigned k = 0; k < SHARDS; k++)
		up += w.up[k];
	switch (draw(3)) {
	case 0:
		if (w.up[i] && up > 2)
			stop(i);
		else if (!w.up[i])
			start(i);
		break;
	case 1:
		bfs_ploop_cut(w.net, i, true);
		break;
	default:
		for (i = 0; i < SHARDS; i++)
			bfs_ploop_cut(w.net, i, false);
	}
}

static void check(uint64_t seed, bool damaged)
{
	unsigned good = 0;

	for (uint64_t n = 0; n < CALLS; n++) {
		const struct call *c = &w.calls[n];

		assert_true(c->done);
		good += !c->status;
		if (w.effects[n] > 1 || (!c->status && !w.effects[n]))
			if (!damaged)
				fail_msg("seed %llu, call %llu from %u to %u: "
					 "status %d, and it happened %u times",
					 (unsigned long long)seed,
					 (unsigned long long)n, c->from, c->to,
					 c->status, w.effects[n]);
	}
	/* It is not all accidents. */
	assert_true(damaged || good > CALLS / 20);
}

static void run(uint64_t seed, bool remember, unsigned damage, bool kills)
{
	memset(&w, 0, sizeof(w));
	w.random = seed * 2 + 1;
	w.remember = remember;
	w.net = bfs_ploop_new(
		&(struct bfs_ploop_config){ .seed = seed,
					    .shards = SHARDS,
					    .delay_min_ns = 10000,
					    .delay_max_ns = 2000000,
					    .lose = 10,
					    .duplicate = 20,
					    .breaks = 10,
					    .stray = 10,
					    .damage = damage });
	for (unsigned i = 0; i < SHARDS; i++)
		start(i);
	for (uint64_t n = 0; n < CALLS; n++) {
		begin_call(n);
		if (kills && draw(40) == 0)
			accident();
		bfs_ploop_run(w.net, &w.never, draw(200000000));
	}
	bfs_ploop_run(w.net, &w.never, DEADLINE + 7200 * SECOND);
	check(seed, damage);
	for (unsigned i = 0; i < SHARDS; i++)
		if (w.up[i])
			stop(i);
	w.remember = false;
	for (unsigned i = 0; i < SHARDS; i++)
		restore(i);
	assert_int_equal(bfs_fiber_count(), 0);
	bfs_ploop_free(w.net);
}

static uint64_t seeds = 2, first = 1;

static void test_network(void **state)
{
	for (uint64_t i = first; i < first + seeds; i++)
		run(i, false, 0, false);
}

static void test_forgetful(void **state)
{
	for (uint64_t i = first; i < first + seeds; i++)
		run(i, false, 0, true);
}

static void test_remembering(void **state)
{
	for (uint64_t i = first; i < first + seeds; i++)
		run(i, true, 0, true);
}

static void test_damaged(void **state)
{
	for (uint64_t i = first; i < first + seeds; i++)
		run(i, true, 30, true);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_forgetful),
		cmocka_unit_test(test_remembering),
		cmocka_unit_test(test_damaged),
	};

	if (argc > 1)
		seeds = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		first = strtoull(argv[2], NULL, 10);
	bfs_log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
