/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * F1, overload: clients that post as many long calls as they can do not keep a
 * short one waiting for more than one of them, whether they are looked at all
 * the time or ring their bells; and all are served in turn.
 */
#include "tests/unit/ring_unit.h"

#include "core/util.h"
#include "server/client_wakes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define FLOODS 40 /* more than are looked at all the time */
#define EACH 8	  /* long calls under way of each */

struct client {
	struct ring_client r;
	unsigned served;
};

static struct ring_unit unit;
static struct client flood[FLOODS], small;

/* A call whose answer may have so many bytes; which is refused, as a handle of
 * a directory cannot be read, but is served. */
static void post(struct client *c, unsigned slot, uint32_t bytes)
{
	struct bfs_read_req req = { .handle = c->r.hello.root, .size = bytes };
	uint8_t fields[64];
	struct bfs_wire m;

	bfs_wire_init(&m, fields, sizeof(fields));
	assert_int_equal(bfs_read_req_put(&m, &req), 0);
	ring_post(&c->r, slot, BFS_OP_READ, fields, (size_t)(m.pos - fields),
		  NULL, 0, bytes);
}

/* Its answers are taken, and as many calls posted again. */
static unsigned go_on(struct client *c, unsigned each, uint32_t bytes)
{
	unsigned n = 0;

	for (unsigned k = 0; k < each; k++) {
		struct bfs_wire w;

		if (!ring_done(&c->r, k))
			continue;
		ring_take(&c->r, k, &w);
		post(c, k, bytes);
		n++;
	}
	c->served += n;
	return n;
}

static int setup(void **state)
{
	ring_unit_init(&unit);
	memset(flood, 0, sizeof(flood));
	memset(&small, 0, sizeof(small));
	return 0;
}

static int teardown(void **state)
{
	ring_go(&small.r);
	for (unsigned n = 0; n < FLOODS; n++)
		ring_go(&flood[n].r);
	ring_unit_fini(&unit);
	return 0;
}

/* Long calls that are served while the short one waits. */
static unsigned wait_for_short(unsigned floods)
{
	unsigned waited = 0;

	for (unsigned f = 0; f < floods; f++)
		go_on(&flood[f], EACH, 1 << 20);
	post(&small, 0, 100);
	for (int k = 0; k < 1000; k++) {
		struct bfs_wire w;
		unsigned n = 0;

		ring_turn(&unit);
		for (unsigned f = 0; f < floods; f++)
			n += go_on(&flood[f], EACH, 1 << 20);
		if (ring_done(&small.r, 0)) {
			ring_take(&small.r, 0, &w);
			return waited + n;
		}
		waited += n;
	}
	fail_msg("the short call is not served");
	return 0;
}

static void beside(unsigned floods)
{
	unsigned least = UINT32_MAX, most = 0;

	ring_come(&unit, &small.r);
	for (unsigned f = 0; f < floods; f++) {
		ring_come(&unit, &flood[f].r);
		for (unsigned k = 0; k < EACH; k++)
			post(&flood[f], k, 1 << 20);
	}
	for (int n = 0; n < 2000; n++) {
		unsigned waited = wait_for_short(floods);

		/* one that is under way, and one of the turn itself */
		if (waited > 2)
			fail_msg("%u long calls before a short one", waited);
	}
	for (unsigned f = 0; f < floods; f++) {
		least = BFS_MIN(least, flood[f].served);
		most = BFS_MAX(most, flood[f].served);
	}
	if (!least || most > 2 * least + EACH)
		fail_msg("one had %u long calls served, another %u", least,
			 most);
}

static void test_few(void **state)
{
	beside(3);
}

static void test_many(void **state)
{
	beside(FLOODS);
}

static void post_write(struct client *c, unsigned slot, struct bfs_handle h)
{
	static uint8_t bytes[64 << 10];
	struct bfs_write_req req = { .handle = h };
	uint8_t fields[64];
	struct bfs_wire m;

	bfs_wire_init(&m, fields, sizeof(fields));
	assert_int_equal(bfs_write_req_put(&m, &req), 0);
	ring_post(&c->r, slot, BFS_OP_WRITE, fields, (size_t)(m.pos - fields),
		  bytes, sizeof(bytes), 0);
}

/* Not long ones, but they take as long together. */
static void test_time(void **state)
{
	struct bfs_open_req req = { .at = cluster_root(unit.u),
				    .path = cluster_str("file"),
				    .oflags = O_RDWR | O_CREAT,
				    .mode = 0600,
				    .arena_slot = BFS_NO_SLOT };
	struct bfs_open_rep rep;
	unsigned done = 0;

	assert_int_equal(cluster_open(unit.u, 0, &req, &rep), 0);
	ring_come(&unit, &small.r);
	ring_come(&unit, &flood[0].r);
	for (unsigned k = 0; k < 4; k++)
		post_write(&flood[0], k, rep.handle);
	post(&small, 0, 100);
	ring_turn(&unit);
	assert_true(ring_done(&small.r, 0));
	for (unsigned k = 0; k < 4; k++)
		done += ring_done(&flood[0].r, k);
	assert_true(done && done < 4);
	for (int n = 0; n < 4; n++)
		ring_turn(&unit);
	for (unsigned k = 0; k < 4; k++) {
		struct bfs_write_rep wrote;
		struct bfs_wire w;

		assert_int_equal(ring_take(&flood[0].r, k, &w), 0);
		assert_int_equal(bfs_write_rep_get(&w, &wrote), 0);
		assert_int_equal(wrote.written, 64 << 10);
	}
}

static void expect_wake(const struct bfs_conn *c, unsigned slot)
{
	struct bfs_wake w = bfs_wakes_next(unit.port);

	assert_ptr_equal(w.conn, c);
	assert_ptr_equal(w.slot, &c->ring->slot[slot]);
}

/* Who sleeps in many threads is not woken in all of them first. */
static void test_wakes(void **state)
{
	struct bfs_conn *many, *one;

	ring_come(&unit, &flood[0].r);
	ring_come(&unit, &small.r);
	many = unit.port->conns;
	one = many->next;
	for (unsigned k = 0; k < 4; k++)
		bfs_wakes_add(many, &many->ring->slot[k], false);
	bfs_wakes_add(one, &one->ring->slot[0], false);
	bfs_wakes_add(one, &one->ring->slot[1], false);
	expect_wake(many, 0);
	expect_wake(one, 0);
	expect_wake(many, 1);
	expect_wake(one, 1);
	expect_wake(many, 2);
	expect_wake(many, 3);
	assert_int_equal(unit.port->nwakes, 0);

	bfs_wakes_add(one, &one->ring->slot[0], false);
	bfs_wakes_add(many, &many->ring->slot[0], false);
	bfs_wakes_end(one);
	expect_wake(many, 0);
	assert_int_equal(unit.port->nwakes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_wakes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_few, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
	};

	if (!ring_unit_can())
		return 77;
	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
