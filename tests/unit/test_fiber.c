/* SPDX-License-Identifier: BSD-3-Clause */
/* Fibers: who runs when, many of them, and deep ones. */
#include "tests/unit/unit.h"

#include "core/util.h"
#include "server/fiber.h"

#include <string.h>

static char trace[64];

static void note(const char *what)
{
	strcat(trace, what);
}

static struct bfs_fiber *a;

static void suspends(void *arg)
{
	assert_ptr_equal(bfs_fiber_arg(suspends), arg);
	assert_null(bfs_fiber_arg(free));
	a = bfs_fiber_self();
	note("1");
	bfs_fiber_suspend();
	note("3");
	bfs_fiber_suspend();
	note("5");
}

static void test_order(void **state)
{
	trace[0] = '\0';
	assert_null(bfs_fiber_self());
	assert_int_equal(bfs_fiber_run(suspends, trace), 0);
	note("2");
	bfs_fiber_resume(a);
	note("4");
	assert_null(bfs_fiber_self());
	bfs_fiber_resume(a);
	assert_string_equal(trace, "12345");
	assert_int_equal(bfs_fiber_count(), 0);
}

static void inner(void *arg)
{
	note("c");
}

static void outer(void *arg)
{
	note("a");
	assert_int_equal(bfs_fiber_run(inner, NULL), 0);
	bfs_fiber_resume(a);
	note("b"); /* neither runs before we stop */
}

static void test_from_a_fiber(void **state)
{
	trace[0] = '\0';
	bfs_fiber_run(suspends, NULL);
	assert_int_equal(bfs_fiber_run(outer, NULL), 0);
	assert_string_equal(trace, "1abc3");
	bfs_fiber_resume(a);
	assert_int_equal(bfs_fiber_count(), 0);
}

#define MANY 1000

static struct bfs_fiber *many[MANY];
static unsigned sum;

static void one_of_many(void *arg)
{
	volatile char deep[200000]; /* of the 256 KiB */
	size_t n = (size_t)arg;

	deep[0] = deep[sizeof(deep) - 1] = (char)n;
	many[n] = bfs_fiber_self();
	bfs_fiber_suspend();
	assert_int_equal(deep[0], (char)n);
	assert_int_equal(deep[sizeof(deep) - 1], (char)n);
	sum++;
}

static void test_many(void **state)
{
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < MANY; i++)
			assert_int_equal(bfs_fiber_run(one_of_many, (void *)i),
					 0);
		assert_int_equal(bfs_fiber_count(), MANY);
		for (size_t i = 0; i < MANY; i++)
			bfs_fiber_resume(many[(i * 7) % MANY]);
		assert_int_equal(bfs_fiber_count(), 0);
	}
	assert_int_equal(sum, 3 * MANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_from_a_fiber),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
