/* SPDX-License-Identifier: BSD-3-Clause */
/* How long one looks before going to sleep: core/patience.h. */
#include "core/patience.h"
#include "tests/unit/unit.h"

#define US 1000u
#define WAKE (40 * US) /* what it takes to be woken */

static void note(struct bfs_patience *p, uint64_t ns, int times)
{
	while (times--)
		bfs_patience_note(p, ns);
}

static void test_nothing_comes(void **state)
{
	struct bfs_patience p;

	bfs_patience_init(&p, 20);
	note(&p, 1000 * US, BFS_PATIENCE_SCORE);
	assert_int_equal(bfs_patience(&p), 20 * US);
}

/* Two that are woken for each call get out of that by looking for longer. */
static void test_woken_each_time(void **state)
{
	struct bfs_patience p;

	bfs_patience_init(&p, 20);
	note(&p, 1000 * US, BFS_PATIENCE_SCORE);
	bfs_patience_note(&p, WAKE);
	assert_true(bfs_patience(&p) > WAKE);
}

/* A burst of calls, and then a pause: ready for the next burst. */
static void test_bursts(void **state)
{
	struct bfs_patience p;

	bfs_patience_init(&p, 20);
	for (int n = 0; n < 10; n++) {
		note(&p, 5 * US, 2);
		bfs_patience_note(&p, 1000 * US);
		assert_true(bfs_patience(&p) > WAKE);
	}
}

static void test_expected(void **state)
{
	struct bfs_patience p;

	bfs_patience_init(&p, 20);
	note(&p, 1000 * US, BFS_PATIENCE_SCORE);
	bfs_patience_expect(&p);
	assert_true(bfs_patience(&p) > WAKE);
	bfs_patience_note(&p, 1000 * US);
	assert_int_equal(bfs_patience(&p), 20 * US);
}

/* Who has set that nobody is to look for anything means it. */
static void test_none(void **state)
{
	struct bfs_patience p;

	bfs_patience_init(&p, 0);
	note(&p, 0, 10);
	bfs_patience_expect(&p);
	assert_int_equal(bfs_patience(&p), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_comes),
		cmocka_unit_test(test_woken_each_time),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_expected),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
