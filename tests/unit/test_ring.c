/* SPDX-License-Identifier: BSD-3-Clause */
/* A client changes lengths in its ring while the daemon reads them:
 * core/ring.h.
 */
#include "core/ring.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>

#define READS 20000000

static uint32_t shared;
static atomic_bool over;

static void *scribble(void *arg)
{
	volatile uint32_t *len = &shared;

	while (!atomic_load_explicit(&over, memory_order_relaxed)) {
		*len = 10;
		*len = 1u << 20;
	}
	return NULL;
}

static void test_read_once(void **state)
{
	size_t most = 0, least = SIZE_MAX, n;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, scribble, NULL), 0);
	/* until both have been seen, and often */
	for (int i = 0; i < READS || (least > 10 && i < 50 * READS); i++) {
		n = bfs_ring_len(&shared, BFS_FIELDS_MAX);
		most = n > most ? n : most;
		least = n < least ? n : least;
	}
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	assert_int_equal(most, BFS_FIELDS_MAX);
	assert_true(least <= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
