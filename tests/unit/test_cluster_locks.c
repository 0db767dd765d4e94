/* SPDX-License-Identifier: BSD-3-Clause */
/* S10 over several daemons: locks of processes of other nodes, dead or alive,
 * and circles of waiting processes that no single shard sees. */
#include "tests/unit/cluster_unit.h"

#include "core/util.h"
#include "server/inode.h"
#include "server/serve_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define NODES 3
#define SECOND 1000000000ull
#define EACH_NODE 4
#define PROCESSES (NODES * EACH_NODE)

static struct bfs_handle file[NODES]; /* file[i] has its home on shard i */
static struct bfs_session *process[PROCESSES];

static unsigned node_of(unsigned p)
{
	return p / EACH_NODE;
}

static pid_t pid_of(unsigned p)
{
	return (pid_t)(1000 + p % EACH_NODE); /* the same on each node */
}

static struct bfs_handle open_some(struct cluster_unit *u, unsigned n)
{
	char name[16];
	struct bfs_open_req req = { .at = cluster_root(u),
				    .oflags = O_CREAT | O_RDWR,
				    .mode = 0666,
				    .arena_slot = BFS_NO_SLOT };
	struct bfs_open_rep rep;

	snprintf(name, sizeof(name), "f%u", n);
	req.path = cluster_str(name);
	assert_int_equal(cluster_open(u, 0, &req, &rep), 0);
	return rep.handle;
}

static int setup(void **state)
{
	struct cluster_unit *u = cluster_unit_new(NODES, 11);
	unsigned found = 0;

	memset(file, 0, sizeof(file));
	for (unsigned n = 0; found < NODES; n++) {
		struct bfs_handle h = open_some(u, n);
		unsigned home = (unsigned)(h.ino >> BFS_SHARD_SHIFT);

		found += !file[home].ino;
		file[home] = h;
	}
	for (unsigned p = 0; p < PROCESSES; p++)
		process[p] = bfs_session_new(&u->servers[node_of(p)], pid_of(p),
					     &u->cred);
	*state = u;
	return 0;
}

static int teardown(void **state)
{
	cluster_unit_free(*state);
	return 0;
}

static struct cluster_call *as(struct cluster_unit *u, unsigned p, uint32_t op,
			       const uint8_t *fields, size_t len)
{
	struct bfs_session *other = u->clients[node_of(p)];
	struct cluster_call *cc;

	u->clients[node_of(p)] = process[p];
	cc = cluster_start(u, node_of(p), op, fields, len);
	u->clients[node_of(p)] = other;
	return cc;
}

static struct cluster_call *start(struct cluster_unit *u, unsigned p,
				  unsigned f, uint32_t type, uint32_t flags,
				  uint64_t at)
{
	struct bfs_lock_req req = { .handle = file[f],
				    .space = BFS_LOCK_POSIX,
				    .type = type,
				    .flags = flags,
				    .start = at,
				    .end = at + 1,
				    .arena_slot = BFS_NO_SLOT,
				    .pid = (uint32_t)pid_of(p) };
	uint8_t fields[200];
	struct bfs_wire w;

	bfs_wire_init(&w, fields, sizeof(fields));
	assert_int_equal(bfs_lock_req_put(&w, &req), 0);
	return as(u, p, BFS_OP_LOCK, fields, (size_t)(w.pos - fields));
}

/* At once, without waiting. */
static int lock(struct cluster_unit *u, unsigned p, unsigned f, uint32_t type,
		uint64_t at)
{
	return cluster_finish(u, start(u, p, f, type, 0, at));
}

static struct bfs_lock_rep test(struct cluster_unit *u, unsigned p, unsigned f,
				uint64_t at)
{
	struct bfs_lock_rep rep;
	struct bfs_wire w;

	assert_int_equal(
		cluster_finish(u, start(u, p, f, F_WRLCK, BFS_LOCK_TEST, at)),
		0);
	bfs_wire_init(&w, u->rep + BFS_REP_HEAD_LEN,
		      sizeof(u->rep) - BFS_REP_HEAD_LEN);
	assert_int_equal(bfs_lock_rep_get(&w, &rep), 0);
	return rep;
}

static void pass(struct cluster_unit *u, uint64_t ns)
{
	bool never = false;

	assert_false(bfs_ploop_run(u->net, &never, ns));
}

/* The process ends, and the news of it are lost. */
static void die(unsigned p)
{
	bfs_session_process_gone(process[p]->server, pid_of(p));
	bfs_session_put(process[p]->server, process[p]);
	process[p] = NULL;
}

/* The first process of each node.  They have the same number. */
#define A 0
#define B EACH_NODE
#define C (2 * EACH_NODE)

static void test_conflict(void **state)
{
	struct cluster_unit *u = *state;

	for (unsigned f = 0; f < NODES; f++) {
		assert_int_equal(lock(u, A, f, F_WRLCK, 5), 0);
		assert_int_equal(lock(u, B, f, F_WRLCK, 5), -EAGAIN);
		assert_int_equal(lock(u, B, f, F_WRLCK, 6), 0);
		assert_int_equal(lock(u, C, f, F_RDLCK, 5), -EAGAIN);
		assert_int_equal(lock(u, A + 1, f, F_RDLCK, 5), -EAGAIN);
		assert_int_equal(lock(u, A, f, F_UNLCK, 5), 0);
		assert_int_equal(lock(u, C, f, F_RDLCK, 5), 0);
	}
}

/* F_GETLK: the process, below 0 if it is one of another node. */
static void test_pid(void **state)
{
	struct cluster_unit *u = *state;

	for (unsigned f = 0; f < NODES; f++) {
		lock(u, B + 2, f, F_WRLCK, 9);
		assert_int_equal(test(u, B, f, 9).pid, pid_of(B + 2));
		assert_int_equal((int)test(u, A, f, 9).pid, -pid_of(B + 2));
		assert_int_equal(test(u, B + 2, f, 9).type, F_UNLCK);
	}
}

/* A dead process holds none, whoever asks and however. */
static void test_dead(void **state)
{
	struct cluster_unit *u = *state;

	for (unsigned f = 0; f < NODES; f++)
		for (unsigned at = 0; at < 3; at++)
			assert_int_equal(lock(u, A, f, F_WRLCK, at), 0);
	die(A);
	/* On the dead one's own node the kernel is asked (test_process). */
	for (unsigned f = 1; f < NODES; f++) {
		assert_int_equal(test(u, B, f, 0).type, F_UNLCK);
		assert_int_equal(lock(u, C, f, F_WRLCK, 1), 0);
	}
}

static void test_dead_waited_for(void **state)
{
	struct cluster_unit *u = *state;
	struct cluster_call *b, *c;

	assert_int_equal(lock(u, A, 1, F_WRLCK, 0), 0);
	assert_int_equal(lock(u, A, 2, F_WRLCK, 0), 0);
	b = start(u, B, 1, F_WRLCK, BFS_LOCK_BLOCK, 0);
	pass(u, SECOND);
	die(A);
	assert_int_equal(cluster_finish(u, b), 0); /* it waits already */
	c = start(u, C, 2, F_WRLCK, BFS_LOCK_BLOCK, 0);
	assert_int_equal(cluster_finish(u, c), 0);
}

/* A daemon that does not answer: its clients may well live. */
static void test_cut_off(void **state)
{
	struct cluster_unit *u = *state;
	uint64_t before = bfs_now();

	assert_int_equal(lock(u, A, 1, F_WRLCK, 0), 0);
	bfs_ploop_cut(u->net, 0, true);
	assert_int_equal(lock(u, B, 1, F_WRLCK, 0), -EAGAIN);
	assert_true(bfs_now() - before < 30 * SECOND);
	bfs_ploop_cut(u->net, 0, false);
}

/* One that has ended takes its clients along if it forgets them... */
static void test_daemon_dead(void **state)
{
	struct cluster_unit *u = *state;

	assert_int_equal(lock(u, A, 1, F_WRLCK, 0), 0);
	bfs_ploop_kill(u->net, &u->servers[0]);
	assert_int_equal(lock(u, B, 1, F_WRLCK, 0), 0);
}

/* ...and if not (D3), it has time to return. */
static void test_daemon_returns(void **state)
{
	struct cluster_unit *u = *state;
	struct cluster_call *b;

	u->servers[1].remembers = true;
	assert_int_equal(lock(u, A, 1, F_WRLCK, 0), 0);
	bfs_ploop_kill(u->net, &u->servers[0]);
	assert_int_equal(lock(u, B, 1, F_WRLCK, 0), -EAGAIN);
	b = start(u, B, 1, F_WRLCK, BFS_LOCK_BLOCK, 0);
	pass(u, 20 * SECOND);
	u->servers[0].incarnation++;
	assert_int_equal(bfs_ploop_join(u->net, &u->servers[0]), 0);
	pass(u, 20 * SECOND);
	assert_int_equal(lock(u, C, 1, F_WRLCK, 0), -EAGAIN);
	assert_int_equal(lock(u, A, 1, F_UNLCK, 0), 0);
	assert_int_equal(cluster_finish(u, b), 0);
	/* It ends for good. */
	assert_int_equal(lock(u, A, 1, F_WRLCK, 1), 0);
	bfs_ploop_kill(u->net, &u->servers[0]);
	b = start(u, B, 1, F_WRLCK, BFS_LOCK_BLOCK, 1);
	pass(u, 20 * SECOND);
	assert_int_equal(lock(u, C, 1, F_WRLCK, 1), -EAGAIN);
	assert_int_equal(cluster_finish(u, b), 0);
}

/* A signal comes when the lock does: EINTR and no lock, or the lock. */
static void test_cancel(void **state)
{
	struct cluster_unit *u = *state;
	unsigned got = 0, rounds = 200;

	for (unsigned n = 0; n < rounds; n++) {
		struct cluster_call *wait, *unlock, *cancel;
		uint8_t fields[8];
		struct bfs_wire w;
		int r, e;

		assert_int_equal(lock(u, A, 1, F_WRLCK, 0), 0);
		wait = start(u, C, 1, F_WRLCK, BFS_LOCK_BLOCK, 0);
		bfs_wire_init(&w, fields, sizeof(fields));
		bfs_put_u64(&w, u->next_id);
		if (n % 2)
			pass(u, SECOND / 100);
		unlock = start(u, A, 1, F_UNLCK, 0, 0);
		cancel = as(u, C, BFS_OP_CANCEL, fields, sizeof(fields));
		assert_int_equal(cluster_finish(u, unlock), 0);
		e = cluster_finish(u, cancel);
		r = cluster_finish(u, wait);
		assert_true(r == 0 || r == -EINTR);
		assert_int_equal(e, r ? 0 : -ENOENT);
		got += !r;
		assert_int_equal(lock(u, B, 1, F_WRLCK, 0), r ? 0 : -EAGAIN);
		assert_int_equal(lock(u, B, 1, F_UNLCK, 0), 0);
		assert_int_equal(lock(u, C, 1, F_UNLCK, 0), 0);
	}
	assert_in_range(got, 1, rounds - 1);
}

/* F1: the shard that has the lock is cut off, or ends. */
static void test_home_dead(void **state)
{
	struct cluster_unit *u = *state;
	struct cluster_call *wait;
	uint64_t before;

	for (unsigned n = 0; n < 2; n++) {
		assert_int_equal(lock(u, A, 1, F_WRLCK, 0), 0);
		wait = start(u, C, 1, F_WRLCK, BFS_LOCK_BLOCK, 0);
		pass(u, 100 * SECOND); /* while it lives, for ever */
		assert_false(cluster_done(wait));
		before = bfs_now();
		if (n)
			bfs_ploop_kill(u->net, &u->servers[1]);
		else
			bfs_ploop_cut(u->net, 1, true);
		assert_true(cluster_finish(u, wait) < 0);
		assert_true(bfs_now() - before <= 31 * SECOND);
		if (!n) {
			bfs_ploop_cut(u->net, 1, false);
			pass(u, 10 * SECOND);
		}
	}
}

#define BYTES 3 /* of each file, to be locked */
#define FREE PROCESSES

/* Exclusive locks only: whose each byte is, and for which byte each waits. */
static struct {
	struct cluster_call *call; /* NULL: it does not wait */
	unsigned f, at;
} wants[PROCESSES];
static unsigned holder[NODES][BYTES];
static uint64_t seed;

static unsigned pick(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % n);
}

static void begin(uint64_t s)
{
	seed = s * 7919 + 1;
	memset(wants, 0, sizeof(wants));
	for (unsigned f = 0; f < NODES; f++)
		for (unsigned at = 0; at < BYTES; at++)
			holder[f][at] = FREE;
}

/* Does the chain from p lead back to it?  in: who is on it. */
static bool in_circle(unsigned p, bool *in)
{
	unsigned q = p;

	memset(in, 0, PROCESSES * sizeof(*in));
	for (unsigned n = 0; n < PROCESSES; n++) {
		in[q] = true;
		if (!wants[q].call)
			return false;
		q = holder[wants[q].f][wants[q].at];
		if (q == p || q == FREE)
			return q == p;
	}
	return false;
}

/* Those whose wait has ended; told: who got EDEADLK. */
static unsigned collect(struct cluster_unit *u, bool *told)
{
	unsigned n = 0;

	for (unsigned p = 0; p < PROCESSES; p++) {
		int r;

		told[p] = false;
		if (!wants[p].call || !cluster_done(wants[p].call))
			continue;
		r = cluster_finish(u, wants[p].call);
		wants[p].call = NULL;
		told[p] = r == -EDEADLK;
		n += told[p];
		if (!r)
			holder[wants[p].f][wants[p].at] = p;
		else
			assert_int_equal(r, -EDEADLK);
	}
	return n;
}

static void want(struct cluster_unit *u, unsigned p)
{
	wants[p].f = pick(NODES);
	wants[p].at = pick(BYTES);
	wants[p].call =
		start(u, p, wants[p].f, F_WRLCK, BFS_LOCK_BLOCK, wants[p].at);
}

static void let_go(struct cluster_unit *u, unsigned p)
{
	for (unsigned f = 0; f < NODES; f++)
		for (unsigned at = 0; at < BYTES; at++)
			if (holder[f][at] == p) {
				holder[f][at] = FREE;
				assert_int_equal(lock(u, p, f, F_UNLCK, at), 0);
			}
}

static void end_all(struct cluster_unit *u)
{
	bool told[PROCESSES];

	for (unsigned n = 0; n < 2 * PROCESSES; n++) {
		for (unsigned p = 0; p < PROCESSES; p++)
			if (!wants[p].call)
				let_go(u, p);
		pass(u, SECOND / 10);
		collect(u, told);
	}
	for (unsigned p = 0; p < PROCESSES; p++)
		assert_null(wants[p].call);
}

/* One after the other: exactly those waits end that close a circle, each by
 * one that is in it. */
static void test_circles(void **state)
{
	struct cluster_unit *u = *state;
	bool told[PROCESSES], in[PROCESSES];
	unsigned circles = 0;

	begin(1);
	for (unsigned n = 0; n < 1500; n++) {
		unsigned p = pick(PROCESSES);
		bool circle;

		if (wants[p].call)
			continue;
		if (!pick(6)) {
			let_go(u, p);
			pass(u, SECOND / 10);
			assert_int_equal(collect(u, told), 0);
			continue;
		}
		want(u, p);
		circle = holder[wants[p].f][wants[p].at] != p &&
			 in_circle(p, in);
		pass(u, SECOND / 10);
		assert_int_equal(collect(u, told), circle);
		for (unsigned q = 0; q < PROCESSES; q++)
			assert_true(!told[q] || in[q]);
		circles += circle;
	}
	assert_in_range(circles, 50, 1000); /* the test tests something */
	end_all(u);
}

/* Many at once: no circle stays. */
static void test_circles_at_once(void **state)
{
	struct cluster_unit *u = *state;
	bool told[PROCESSES], in[PROCESSES];
	unsigned n = 0;

	begin(2);
	for (unsigned round = 0; round < 200; round++) {
		for (unsigned p = 0; p < PROCESSES; p++)
			if (!wants[p].call && pick(3))
				want(u, p);
			else if (!wants[p].call && !pick(3))
				let_go(u, p);
		pass(u, SECOND);
		n += collect(u, told);
		for (unsigned p = 0; p < PROCESSES; p++)
			assert_false(wants[p].call && in_circle(p, in));
	}
	assert_true(n > 20);
	end_all(u);
}

/* Two threads wait for two others; either may close the circle. */
static void test_threads(void **state)
{
	struct cluster_unit *u = *state;
	struct cluster_call *a1, *a2, *b;

	assert_int_equal(lock(u, A, 0, F_WRLCK, 0), 0);
	assert_int_equal(lock(u, C, 1, F_WRLCK, 0), 0);
	assert_int_equal(lock(u, B, 2, F_WRLCK, 0), 0);
	a1 = start(u, A, 1, F_WRLCK, BFS_LOCK_BLOCK, 0);
	a2 = start(u, A, 2, F_WRLCK, BFS_LOCK_BLOCK, 0);
	pass(u, SECOND);
	b = start(u, B, 0, F_WRLCK, BFS_LOCK_BLOCK, 0);
	assert_int_equal(cluster_finish(u, b), -EDEADLK);
	assert_false(cluster_done(a1) || cluster_done(a2));
	assert_int_equal(lock(u, B, 2, F_UNLCK, 0), 0);
	assert_int_equal(cluster_finish(u, a2), 0);
	assert_int_equal(lock(u, C, 1, F_UNLCK, 0), 0);
	assert_int_equal(cluster_finish(u, a1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
		T(conflict),	    T(pid),	T(dead),
		T(dead_waited_for), T(cut_off), T(daemon_dead),
		T(daemon_returns),  T(circles), T(circles_at_once),
		T(threads),	    T(cancel),	T(home_dead),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
