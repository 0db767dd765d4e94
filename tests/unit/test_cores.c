/* SPDX-License-Identifier: BSD-3-Clause */
/* Which core the daemon is on: server/cores.h. */
#include "core/util.h"
#include "server/cores.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <sched.h>

static void test_idle(void **state)
{
	assert_true(bfs_cores_idle_by("0.72 0.60 1.19 2/90 26676\n", 2));
	assert_false(bfs_cores_idle_by("0.72 0.60 1.19 3/90 26676\n", 2));
	assert_true(bfs_cores_idle_by("9.00 9.00 9.00 128/1290 1\n", 128));
	/* what cannot be known is no reason to stay */
	assert_true(bfs_cores_idle_by("", 1));
}

static void test_leave(void **state)
{
	cpu_set_t before, after;
	int was = sched_getcpu();

	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	if (CPU_COUNT(&before) < 2)
		skip();
	/* for one moment: the kernel may bring us back */
	for (int i = 0; i < 100; i++) {
		assert_int_equal(bfs_cores_leave(), 0);
		if (sched_getcpu() != was)
			break;
		assert_true(i < 99);
	}
	assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
	assert_true(CPU_EQUAL(&before, &after));
}

static void test_bound(void **state)
{
	cpu_set_t before, one, after;

	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	CPU_ZERO(&one);
	CPU_SET((unsigned)sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(bfs_cores_leave(), -ENODEV);
	assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
	assert_true(CPU_EQUAL(&one, &after));
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

/* Not for the first client that shares our core, and not all the time. */
static void test_seldom(void **state)
{
	struct bfs_cores c;
	int n = 0;

	bfs_cores_init(&c);
	bfs_cores_done(&c); /* no loadavg: cores are idle */
	for (int i = 0; i < 7; i++)
		assert_false(bfs_cores_together(&c));
	assert_true(bfs_cores_together(&c));
	for (uint64_t end = bfs_now() + 20000000; bfs_now() < end;)
		n += bfs_cores_together(&c);
	/* pauses of 1, 2, 4, 8 ms; of 1 always, if we are put off each time */
	assert_in_range(n, 1, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_leave),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_seldom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
