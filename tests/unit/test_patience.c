/* SPDX-License-Identifier: BSD-3-Clause */
/* How long one looks before going to sleep: core/patience.h. */
#include "core/patience.h"
#include "core/util.h"
#include "tests/unit/unit.h"

#define US 1000u
#define WAKE (40 * US) /* what it takes to be woken */

static uint64_t looks; /* ns, of all */

/* Waits of one who looks as long as he is told to, and is told of it. */
static void waits(struct bfs_patience *p, uint64_t ns, int times)
{
	while (times--) {
		looks += BFS_MIN(ns, bfs_patience(p));
		bfs_patience_note(p, ns, bfs_patience(p));
	}
}

/* What we wait for needs our core: it comes when we sleep, and never before. */
static void waits_in_the_way(struct bfs_patience *p, int times)
{
	while (times--) {
		looks += bfs_patience(p);
		bfs_patience_note(p, bfs_patience(p) + 5 * US, bfs_patience(p));
	}
}

static void test_nothing_comes(void **state)
{
	struct bfs_patience p;

	bfs_patience_init(&p, 20);
	waits(&p, 1000 * US, 1000);
	assert_int_equal(bfs_patience(&p), 20 * US);
}

/* Two that are woken for each call get out of that by looking for longer. */
static void test_woken_each_time(void **state)
{
	struct bfs_patience p;

	bfs_patience_init(&p, 20);
	waits(&p, 1000 * US, BFS_PATIENCE_SCORE);
	waits(&p, WAKE, 2);
	assert_true(bfs_patience(&p) > WAKE);
	waits(&p, 2 * WAKE, 100); /* it pays: so it stays */
	assert_true(bfs_patience(&p) > WAKE);
}

/* What is awake all the time says nothing of what long looks are worth. */
static void test_bursts(void **state)
{
	struct bfs_patience p;

	bfs_patience_init(&p, 20);
	for (int n = 0; n < 10; n++) {
		waits(&p, 5 * US, 20);
		waits(&p, 1000 * US, 1);
	}
	assert_int_equal(bfs_patience(&p), 20 * US);
	waits(&p, WAKE, 2);
	assert_true(bfs_patience(&p) > WAKE);
}

static void test_in_the_way(void **state)
{
	struct bfs_patience p;

	bfs_patience_init(&p, 20);
	waits_in_the_way(&p, 1000);
	looks = 0;
	waits_in_the_way(&p, 10000);
	/* tries, 200 us each at most, and no more than some us a time */
	assert_in_range(looks, 1, 10000 * 5 * US);
	/* another time it is not so, and that is found out */
	waits(&p, 5 * US, 2 * BFS_PATIENCE_SKIP + 2);
	assert_true(bfs_patience(&p) >= 20 * US);
	waits(&p, WAKE, 2 * BFS_PATIENCE_SKIP + 2);
	assert_true(bfs_patience(&p) > WAKE);
}

/* A wait that was ended early, for another reason, teaches nothing. */
static void test_not_as_told(void **state)
{
	struct bfs_patience p;

	bfs_patience_init(&p, 20);
	for (int n = 0; n < 100; n++)
		bfs_patience_note(&p, 30 * US, 0);
	assert_int_equal(bfs_patience(&p), 200 * US);
}

/* Who has set that nobody is to look for anything means it. */
static void test_none(void **state)
{
	struct bfs_patience p;

	bfs_patience_init(&p, 0);
	waits(&p, 0, 10);
	waits(&p, WAKE, 100);
	assert_int_equal(bfs_patience(&p), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_comes),
		cmocka_unit_test(test_woken_each_time),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_in_the_way),
		cmocka_unit_test(test_not_as_told),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
