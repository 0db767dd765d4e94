/* SPDX-License-Identifier: BSD-3-Clause */
/* How long one looks before going to sleep: core/patience.h. */
#include "core/patience.h"
#include "tests/unit/unit.h"

#define US 1000u
#define WAKE (40 * US) /* what it takes to be woken */

/* The sleeps of one who looks as long as he is told to, and is told of it. */
static void sleeps(struct bfs_patience *p, uint64_t ns, int times)
{
	while (times--)
		bfs_patience_note(p, ns, bfs_patience(p));
}

static void test_nothing_comes(void **state)
{
	struct bfs_patience p;

	bfs_patience_init(&p, 20);
	sleeps(&p, 1000 * US, BFS_PATIENCE_SCORE);
	assert_int_equal(bfs_patience(&p), 20 * US);
}

/* Two that are woken for each call get out of that by looking for longer. */
static void test_woken_each_time(void **state)
{
	struct bfs_patience p;

	bfs_patience_init(&p, 20);
	sleeps(&p, 1000 * US, BFS_PATIENCE_SCORE);
	sleeps(&p, WAKE, 2);
	assert_true(bfs_patience(&p) > WAKE);
	sleeps(&p, 2 * WAKE, 100); /* it pays: so it stays */
	assert_true(bfs_patience(&p) > WAKE);
}

/* What is awake all the time says nothing of what long looks are worth. */
static void test_bursts(void **state)
{
	struct bfs_patience p;

	bfs_patience_init(&p, 20);
	for (int n = 0; n < 10; n++) {
		sleeps(&p, 5 * US, 20);
		sleeps(&p, 1000 * US, 1);
	}
	assert_int_equal(bfs_patience(&p), 20 * US);
	sleeps(&p, WAKE, 2);
	assert_true(bfs_patience(&p) > WAKE);
}

/* We keep it off its core: it comes soon when we sleep, and never before. */
static void test_in_the_way(void **state)
{
	struct bfs_patience p;
	int tries = 0;

	bfs_patience_init(&p, 20);
	for (int n = 0; n < 10000; n++) {
		tries += bfs_patience(&p) > 20 * US;
		sleeps(&p, bfs_patience(&p) + WAKE, 1);
	}
	assert_in_range(tries, 2, 200);
	/* another time it is not so, and that is found out */
	sleeps(&p, WAKE, BFS_PATIENCE_SKIP + 2);
	assert_true(bfs_patience(&p) > WAKE);
}

static void test_expected(void **state)
{
	struct bfs_patience p;

	bfs_patience_init(&p, 20);
	sleeps(&p, 1000 * US, BFS_PATIENCE_SCORE);
	bfs_patience_expect(&p);
	assert_true(bfs_patience(&p) > WAKE);
	sleeps(&p, 1000 * US, 1);
	assert_int_equal(bfs_patience(&p), 20 * US);
}

/* Who has set that nobody is to look for anything means it. */
static void test_none(void **state)
{
	struct bfs_patience p;

	bfs_patience_init(&p, 0);
	sleeps(&p, 0, 10);
	bfs_patience_expect(&p);
	assert_int_equal(bfs_patience(&p), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_comes),
		cmocka_unit_test(test_woken_each_time),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_in_the_way),
		cmocka_unit_test(test_expected),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
