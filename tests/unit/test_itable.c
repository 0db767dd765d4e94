/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of inodes, against a plain array. */
#include "tests/unit/unit.h"

#include "core/util.h"
#include "server/inode.h"

#include <stdlib.h>

#define MANY 200000u

struct model {
	struct bfs_itable t;
	struct bfs_inode *all; /* by place */
	bool *in;
	uint64_t n;
};

static struct model *model_new(uint64_t stride, uint64_t base)
{
	struct model *m = calloc(1, sizeof(*m));

	m->all = calloc(MANY, sizeof(*m->all));
	m->in = calloc(MANY, sizeof(*m->in));
	for (unsigned k = 0; k < MANY; k++)
		m->all[k].ino = base + k * stride;
	return m;
}

static void put(struct model *m, unsigned k)
{
	bfs_itable_add(&m->t, &m->all[k]);
	m->in[k] = true;
	m->n++;
}

static void drop(struct model *m, unsigned k)
{
	bfs_itable_remove(&m->t, &m->all[k]);
	m->in[k] = false;
	m->n--;
}

static void check(const struct model *m)
{
	struct bfs_inode *i, *next;
	uint64_t seen = 0, sum = 0;

	for (unsigned k = 0; k < MANY; k++) {
		assert_ptr_equal(bfs_itable_find(&m->t, m->all[k].ino),
				 m->in[k] ? &m->all[k] : NULL);
		sum += m->in[k] ? k : 0;
	}
	BFS_ITABLE_EACH(&m->t, i, next)
	{
		assert_true(m->in[i - m->all]);
		sum -= (uint64_t)(i - m->all);
		seen++;
	}
	assert_int_equal(seen, m->n);
	assert_int_equal(m->t.n, m->n);
	assert_int_equal(sum, 0); /* nobody twice in another's place */
}

static void model_free(struct model *m)
{
	struct bfs_inode *i, *next;

	BFS_ITABLE_EACH(&m->t, i, next)
	drop(m, (unsigned)(i - m->all));
	assert_int_equal(m->n, 0);
	assert_null(bfs_itable_first(&m->t));
	bfs_itable_fini(&m->t);
	free(m->all);
	free(m->in);
	free(m);
}

static unsigned longest(const struct model *m)
{
	unsigned most = 0;

	for (unsigned k = 0; k < MANY; k++) {
		const struct bfs_inode *i = &m->all[k];
		unsigned n = 0;

		for (; m->in[k] && i; i = i->hash_next)
			n++;
		most = n > most ? n : most;
	}
	return most;
}

/* Numbers that somebody has chosen by removing the others are no worse. */
static void test_strides(void **state)
{
	static const uint64_t strides[] = {
		1, 2, 8, 1024, 1u << 20, 1ull << 30
	};

	for (unsigned n = 0; n < BFS_COUNT(strides); n++) {
		struct model *m = model_new(strides[n], 3ull << 48);

		for (unsigned k = 0; k < MANY; k++)
			put(m, k);
		check(m);
		assert_true(longest(m) <= 64);
		model_free(m);
	}
}

static void test_random(void **state)
{
	struct model *m = model_new(1, 1);

	srandom(7);
	for (unsigned round = 0; round < 12; round++) {
		/* up to nearly full, down to nearly empty */
		unsigned rest = round % 2 ? 1 : 9;

		for (unsigned k = 0; k < MANY; k++) {
			bool want = (unsigned)random() % 10 < rest;

			if (want && !m->in[k])
				put(m, k);
			else if (!want && m->in[k])
				drop(m, k);
		}
		check(m);
	}
	model_free(m);
}

/* What was large once gives its memory back as it is used. */
static void test_shrinks(void **state)
{
	struct model *m = model_new(1, 1);

	for (unsigned k = 0; k < MANY; k++)
		put(m, k);
	for (unsigned k = 10; k < MANY; k++)
		drop(m, k);
	check(m);
	for (unsigned k = 0; k < MANY; k++) {
		put(m, 100);
		drop(m, 100);
	}
	assert_true(m->t.extra < 1000);
	for (unsigned n = 2; n < BFS_ITABLE_SEGMENTS; n++)
		assert_null(m->t.segment[n]);
	check(m);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strides),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
