/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies of directories that nobody uses go (CLUSTER.md), those in use stay. */
#include "tests/unit/cluster_unit.h"

#include "server/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#define SHARDS 4
#define DIRS 300u
#define MOST 8u

static struct cluster_unit *unit_new(void)
{
	struct cluster_unit *u = cluster_unit_new(SHARDS, 5);
	char path[32];

	for (unsigned s = 0; s < SHARDS; s++)
		u->servers[s].fs->conf.max_copies = MOST;
	for (unsigned d = 0; d < DIRS; d++) {
		snprintf(path, sizeof(path), "d%u", d);
		assert_int_equal(cluster_mkdir_at(u, 0, path, 0755), 0);
	}
	return u;
}

static void settle(struct cluster_unit *u)
{
	bool never = false;

	bfs_ploop_run(u->net, &never, 1000000000ull);
}

/* Walks through d<n> at that node: there is no such name below. */
static void pass(struct cluster_unit *u, unsigned node, unsigned d)
{
	struct bfs_attr a;
	char path[32];

	for (unsigned n = 0; n < SHARDS; n++) { /* each shard's turn, mostly */
		snprintf(path, sizeof(path), "d%u/%u%u", d, n, d);
		assert_int_equal(cluster_stat(u, node, path, &a), -ENOENT);
	}
}

/* Who has a copy is a holder; and who has none is none. */
static void check_holders(const struct cluster_unit *u)
{
	struct bfs_inode *i, *next, *copy;

	for (unsigned s = 0; s < SHARDS; s++)
		BFS_ITABLE_EACH(&u->servers[s].fs->inodes, i, next)
		{
			if (!S_ISDIR(i->mode) || i->dir.shared->copy)
				continue;
			assert_int_equal(i->dir.shared->busy, 0);
			for (unsigned h = 0; h < SHARDS; h++) {
				copy = bfs_inode_find(u->servers[h].fs, i->ino);
				if (h != s)
					assert_int_equal(
						bfs_shards_has(
							&i->dir.shared->holders,
							h),
						copy != NULL);
			}
		}
}

static void check_few(const struct cluster_unit *u)
{
	for (unsigned s = 0; s < SHARDS; s++) {
		const struct bfs_fs *fs = u->servers[s].fs;
		struct bfs_inode *i, *next;
		unsigned idle = 0;

		assert_int_equal(fs->nleaving, 0);
		BFS_ITABLE_EACH(&fs->inodes, i, next)
		idle += S_ISDIR(i->mode) && i->dir.shared->copy &&
			!i->dir.top && i != fs->root;
		assert_true(idle <= MOST + 1);
	}
}

static void test_bounded(void **state)
{
	struct cluster_unit *u = unit_new();

	for (unsigned d = 0; d < DIRS; d++)
		for (unsigned node = 0; node < SHARDS; node++)
			pass(u, node, d);
	settle(u);
	assert_true(bfs_ploop_sent(u->net, BFS_OP_DIRDROP) > DIRS);
	check_few(u);
	check_holders(u);
	cluster_unit_free(u);
}

/* What is walked through all the time is asked for once. */
static void test_used(void **state)
{
	struct cluster_unit *u = unit_new();
	uint64_t others, both;

	for (unsigned d = 2; d < DIRS; d++)
		pass(u, 1, d);
	others = bfs_ploop_sent(u->net, BFS_OP_DIRCOPY);
	for (unsigned d = 2; d < DIRS; d++) {
		pass(u, 1, 0);
		pass(u, 1, 1);
		pass(u, 1, d);
	}
	both = bfs_ploop_sent(u->net, BFS_OP_DIRCOPY) - others;
	assert_true(others > DIRS / 2);
	assert_true(both < others + others / 10);
	settle(u);
	check_few(u);
	cluster_unit_free(u);
}

/* The clock that stamps inodes goes on in steps of some milliseconds. */
static void tick(void)
{
	struct timespec was, now;

	clock_gettime(CLOCK_REALTIME_COARSE, &was);
	do
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	while (now.tv_sec == was.tv_sec && now.tv_nsec == was.tv_nsec);
}

/* The part of one who gives up its copy counts on: the times of what was
 * removed there. */
static void test_times(void **state)
{
	struct cluster_unit *u = unit_new();
	struct bfs_attr before, after;
	char path[32];

	for (unsigned n = 0; n < 20; n++) {
		snprintf(path, sizeof(path), "d7/f%u", n);
		assert_int_equal(cluster_create(u, n % SHARDS, path,
						O_CREAT | O_RDWR, 0644),
				 0);
	}
	assert_int_equal(cluster_stat(u, 2, "d7", &before), 0);
	tick();
	for (unsigned n = 0; n < 20; n++) {
		snprintf(path, sizeof(path), "d7/f%u", n);
		assert_int_equal(cluster_remove(u, n % SHARDS, path, false), 0);
	}
	for (unsigned d = 8; d < DIRS; d++)
		for (unsigned node = 0; node < SHARDS; node++)
			pass(u, node, d);
	settle(u);
	check_holders(u);
	assert_int_equal(cluster_stat(u, 2, "d7", &after), 0);
	assert_true(after.mtime.sec > before.mtime.sec ||
		    (after.mtime.sec == before.mtime.sec &&
		     after.mtime.nsec > before.mtime.nsec));
	assert_int_equal(cluster_remove(u, 3, "d7", true), 0);
	cluster_unit_free(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_used),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
