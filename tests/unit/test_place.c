/* SPDX-License-Identifier: BSD-3-Clause */
/* Where entries go: evenly, everywhere the same, and few move. */
#include "tests/unit/unit.h"

#include "core/place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAMES 1000000u
#define MOVED 200000u
#define DIR_INO ((3ull << 48) | 77)

static struct bfs_place *ring_of(const char *prefix, unsigned n, unsigned left)
{
	char(*text)[32] = calloc(n, sizeof(*text));
	const char **names = calloc(n, sizeof(*names));
	struct bfs_place *p;
	unsigned m = 0;

	assert_true(text && names);
	for (unsigned i = 0; i < n + (left < n); i++) {
		if (i == left)
			continue;
		snprintf(text[m], sizeof(text[m]), "%s%u", prefix, i);
		names[m] = text[m];
		m++;
	}
	assert_int_equal(bfs_place_new(&p, names, n), 0);
	free(names);
	free(text);
	return p;
}

static unsigned shard_of(const struct bfs_place *p, uint64_t dir, unsigned i)
{
	char name[32];
	int len = snprintf(name, sizeof(name), "file.%05u", i);

	return bfs_place_entry(p, dir, (struct bfs_str){ name, (uint32_t)len });
}

/* The greatest distance from an even share, in percent of it. */
static double unevenness(const struct bfs_place *p, uint64_t dir)
{
	unsigned *count = calloc(p->n, sizeof(*count));
	double even = (double)NAMES / p->n, worst = 0;

	assert_non_null(count);
	for (unsigned i = 1; i <= NAMES; i++) {
		unsigned shard = shard_of(p, dir, i);

		assert_true(shard < p->n);
		count[shard]++;
	}
	for (unsigned m = 0; m < p->n; m++) {
		double off = (count[m] - even) / even * 100;

		worst = BFS_MAX(worst, off < 0 ? -off : off);
	}
	free(count);
	return worst;
}

/* 1 M names of one directory are within 10 % of even on up to 64 shards. */
static void test_even(void **state)
{
	static const unsigned sizes[] = { 2,  3,  4,  5,  6,  7,  8, 12,
					  16, 24, 31, 32, 48, 63, 64 };
	static const char *const prefixes[] = { "node_", "m" };

	for (size_t k = 0; k < BFS_COUNT(prefixes); k++) {
		for (size_t i = 0; i < BFS_COUNT(sizes); i++) {
			struct bfs_place *p =
				ring_of(prefixes[k], sizes[i], sizes[i]);
			double off = unevenness(p, DIR_INO + i);

			print_message("%s 2..%u: %.1f %% off\n", prefixes[k],
				      sizes[i], off);
			assert_true(off <= 10);
			bfs_place_free(p);
		}
	}
}

/* The same name in other directories goes elsewhere. */
static void test_directories(void **state)
{
	struct bfs_place *p = ring_of("node_", 16, 16);
	unsigned count[16] = { 0 };

	for (uint64_t dir = 1; dir <= 16000; dir++)
		count[shard_of(p, dir, 1)]++;
	for (unsigned m = 0; m < 16; m++)
		assert_in_range(count[m], 800, 1200);
	bfs_place_free(p);
}

/*
 * One more member takes its share from the others, wherever it comes in the
 * order; nothing moves between them.
 */
static void test_moves(void **state)
{
	static const struct {
		unsigned n, where;
	} cases[] = { { 1, 1 },	  { 3, 0 },   { 3, 2 },	  { 8, 5 },
		      { 10, 10 }, { 63, 11 }, { 64, 64 }, { 1000, 500 } };

	for (size_t i = 0; i < BFS_COUNT(cases); i++) {
		unsigned n = cases[i].n, where = cases[i].where, moved = 0;
		struct bfs_place *old = ring_of("node_", n, where);
		struct bfs_place *new = ring_of("node_", n + 1, n + 1);
		double share = (double)MOVED / (n + 1);

		for (unsigned k = 0; k < MOVED; k++) {
			unsigned a = shard_of(old, 1, k);
			unsigned b = shard_of(new, 1, k);

			a += a >= where; /* those behind it shift */
			assert_true(a == b || b == where);
			moved += b == where;
		}
		print_message("%u + 1: %u moved, 1/n is %.0f\n", n, moved,
			      share);
		assert_true(moved > share * 0.7 && moved < share * 1.3);
		bfs_place_free(old);
		bfs_place_free(new);
	}
}

static void test_one(void **state)
{
	const char *name = "only";
	struct bfs_place *p;

	assert_int_equal(bfs_place_new(&p, &name, 1), 0);
	assert_null(p->points);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(shard_of(p, i, i), 0);
	assert_int_equal(shard_of(NULL, 1, 1), 0);
	bfs_place_free(p);
}

/* Each name behind all those before it (C2). */
static void test_order(void **state)
{
	static const char *const names[] = {
		"",
		"9",
		"10",
		"a",
		"a1b1",
		"a1b2",
		"a1b10",
		"a2",
		"a02b",
		"a10",
		"node",
		"node_",
		"node_01",
		"node_1",
		"node_2",
		"node_2x",
		"node_10",
		"node_18446744073709551616",
		"node_18446744073709551617",
		"nodf",
		"\xc3\xa4",
	};

	for (size_t i = 0; i < BFS_COUNT(names); i++) {
		for (size_t k = 0; k < BFS_COUNT(names); k++) {
			int want = i < k ? -1 : i > k, r;

			r = bfs_place_order(names[i], names[k]);
			if ((r > 0) - (r < 0) != want)
				fail_msg("'%s' and '%s': %d", names[i],
					 names[k], r);
		}
	}
}

static void test_refused(void **state)
{
	static const char *const twice[] = { "a", "a" };
	static const char *const order[] = { "node_10", "node_2" };
	struct bfs_place *p;

	assert_int_equal(bfs_place_new(&p, twice, 2), -EINVAL);
	assert_int_equal(bfs_place_new(&p, order, 2), -EINVAL);
	assert_int_equal(bfs_place_new(&p, order, 0), -EINVAL);
	assert_null(p);
}

/*
 * The list decides and nothing else: a ring that another build or another day
 * makes of it is the same.  From the definition, over all points.
 */
static void test_definition(void **state)
{
	struct bfs_place *p = ring_of("node_", 5, 5);
	unsigned count[5] = { 0 };
	uint32_t last = 0;

	assert_int_equal(p->first[0], 0);
	assert_int_equal(p->first[1u << p->bits], p->npoints);
	for (uint32_t b = 0; b < 1u << p->bits; b++) {
		for (uint32_t i = p->first[b]; i < p->first[b + 1]; i++) {
			assert_true(i == p->first[b] || p->points[i] >= last);
			last = p->points[i];
			count[last & 0xffff]++;
		}
	}
	for (unsigned m = 0; m < 5; m++)
		assert_int_equal(count[m], p->npoints / 5);
	bfs_place_free(p);
}

/* Building and looking up.  The times are only printed: machines differ. */
static void measure(unsigned n, size_t max_bytes)
{
	uint64_t start = bfs_now(), took;
	struct bfs_place *p = ring_of("node_", n, n);
	size_t bytes = p->npoints * sizeof(*p->points) +
		       ((1u << p->bits) + 1) * sizeof(*p->first);
	unsigned seen = 0;

	took = bfs_now() - start;
	print_message("%u members: %.1f ms, %.1f MB, %.1f %% off\n", n,
		      (double)took / 1e6, (double)bytes / 1e6,
		      unevenness(p, DIR_INO));
	assert_true(bytes <= max_bytes);
	start = bfs_now();
	for (unsigned i = 0; i < NAMES; i++)
		seen ^= bfs_place_find(p, i, BFS_STR("file.00001"));
	print_message("a look-up takes %.0f ns (%u)\n",
		      (double)(bfs_now() - start) / NAMES, seen);
	bfs_place_free(p);
}

static void test_cost(void **state)
{
	measure(2, 1 << 20);
	measure(64, 2 << 20);
	measure(1000, 21 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_even),
		cmocka_unit_test(test_directories),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_definition),
		cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
