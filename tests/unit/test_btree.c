/* SPDX-License-Identifier: BSD-3-Clause */
/* server/btree.h against a plain array. */
#include "core/util.h"
#include "server/btree.h"
#include "tests/unit/unit.h"

#include <stdbool.h>

#define KEYS 5000u

struct world {
	struct bfs_bnode *top;
	bool there[KEYS]; /* key k + 1 */
	unsigned n;
};

/* A key's value is its place here. */
static void *value(struct world *w, unsigned k)
{
	return &w->there[k];
}

static void add(struct world *w, unsigned k)
{
	assert_null(bfs_btree_get(w->top, k + 1));
	assert_int_equal(bfs_btree_add(&w->top, k + 1, value(w, k)), 0);
	w->there[k] = true;
	w->n++;
}

static void take_out(struct world *w, unsigned k)
{
	bfs_btree_remove(&w->top, k + 1);
	assert_null(bfs_btree_get(w->top, k + 1));
	w->there[k] = false;
	w->n--;
}

/* The first key from k on that is there. */
static unsigned next_of(const struct world *w, unsigned k)
{
	while (k < KEYS && !w->there[k])
		k++;
	return k;
}

/* Everything above a place comes, in order, and nothing else. */
static void check_from(struct world *w, unsigned from)
{
	struct bfs_btree_iter it;

	bfs_btree_iter_init(&it, w->top, from);
	for (unsigned k = next_of(w, from); k < KEYS; k = next_of(w, k + 1)) {
		void *ahead = bfs_btree_iter_peek(&it, 0);

		assert_true(!ahead || ahead == value(w, k));
		assert_ptr_equal(bfs_btree_iter_next(&it), value(w, k));
		assert_ptr_equal(bfs_btree_get(w->top, k + 1), value(w, k));
	}
	assert_null(bfs_btree_iter_next(&it));
	assert_null(bfs_btree_iter_next(&it));
}

static void check(struct world *w)
{
	assert_true(bfs_btree_check(w->top) >= 0);
	assert_int_equal(!w->top, !w->n);
	check_from(w, 0);
	check_from(w, KEYS / 3);
	check_from(w, KEYS - 1);
}

/* k steps into an order: up, down, from both ends, mixed up. */
static unsigned in_order(unsigned order, unsigned k)
{
	switch (order) {
	case 0:
		return k;
	case 1:
		return KEYS - 1 - k;
	case 2:
		return k % 2 ? KEYS - 1 - k / 2 : k / 2;
	}
	return k * 1009u % KEYS; /* a prime that KEYS is no multiple of */
}

static void test_orders(void **state)
{
	static struct world w;

	for (unsigned in = 0; in < 4; in++)
		for (unsigned out = 0; out < 4; out++) {
			for (unsigned k = 0; k < KEYS; k++)
				add(&w, in_order(in, k));
			check(&w);
			for (unsigned k = 0; k < KEYS; k++) {
				if (k % 1000 == 500)
					check(&w);
				take_out(&w, in_order(out, k));
			}
			check(&w);
		}
}

/* Steps ahead: the right one, or none at all; mostly the right one. */
static void test_peek(void **state)
{
	static struct world w;
	struct bfs_btree_iter it;
	unsigned told = 0;

	for (unsigned k = 0; k < KEYS; k++)
		add(&w, in_order(3, k));
	bfs_btree_iter_init(&it, w.top, 0);
	for (unsigned k = 0; k < KEYS; k++) {
		void *ahead = bfs_btree_iter_peek(&it, 8);

		if (ahead)
			assert_ptr_equal(ahead, value(&w, k + 8));
		told += ahead != NULL;
		bfs_btree_iter_next(&it);
	}
	assert_true(told > KEYS * 9 / 10);
	for (unsigned k = 0; k < KEYS; k++)
		take_out(&w, k);
}

/* A few of many are left: the tree becomes small with them, and full again. */
static void test_random(void **state)
{
	static struct world w;
	uint64_t x = 88172645463325252ull;

	for (unsigned step = 0; step < 200000; step++) {
		/* in turns mostly more, mostly less */
		unsigned more = step / 20000 % 2 ? 20 : 80;
		unsigned k;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		k = (unsigned)(x >> 33) % KEYS;
		if (!w.there[k] && x % 100 < more)
			add(&w, k);
		else if (w.there[k] && x % 100 >= more)
			take_out(&w, k);
		if (step % 5000 == 0)
			check(&w);
	}
	for (unsigned k = 0; k < KEYS; k++)
		if (w.there[k])
			take_out(&w, k);
	check(&w);
}

/* What holds them is found to be wrong if it is. */
static void test_check(void **state)
{
	static struct world w;

	for (unsigned k = 0; k < 100; k++)
		add(&w, k);
	assert_int_equal(bfs_btree_check(w.top), 1);
	/* the same key twice */
	assert_int_equal(bfs_btree_add(&w.top, 50, value(&w, 49)), 0);
	assert_int_equal(bfs_btree_check(w.top), -1);
	bfs_btree_remove(&w.top, 50);
	assert_true(bfs_btree_check(w.top) > 0);
	for (unsigned k = 0; k < 100; k++)
		take_out(&w, k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_peek),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
