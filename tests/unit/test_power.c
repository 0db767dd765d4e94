/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * D2 over several daemons (RULES 24, 25): what has been synced is found again
 * after all or some of them have lost their power, on whatever shards its
 * names are.
 */
#include "tests/unit/cluster_unit.h"
#include "tests/unit/power.h"

#include "core/place.h"
#include "server/inode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SHARDS 3

static struct cluster_unit *start(uint64_t seed)
{
	power_clear();
	return cluster_unit_new_journal(SHARDS, seed);
}

/* Those daemons lose their power (a bit each), and start again. */
static void lose(struct cluster_unit *u, unsigned which)
{
	char dir[96];

	for (unsigned i = 0; i < SHARDS; i++)
		if (which & 1u << i)
			cluster_unit_kill(u, i);
	for (unsigned i = 0; i < SHARDS; i++) {
		snprintf(dir, sizeof(dir), "%s/%u", u->dir, i);
		if (which & 1u << i)
			power_loss(dir);
	}
	for (unsigned i = 0; i < SHARDS; i++)
		if (which & 1u << i)
			cluster_unit_start(u, i);
	cluster_pass(u, 10);
}

#define ALL ((1u << SHARDS) - 1)

static unsigned shard_of(struct cluster_unit *u, const char *name)
{
	return bfs_place_entry(u->place, BFS_ROOT_INO, cluster_str(name));
}

/* A name in the root whose entry lies on that shard. */
static const char *name_on(struct cluster_unit *u, unsigned shard)
{
	static char names[8][16];
	static unsigned next, slot;

	do
		snprintf(names[slot % 8], 16, "n%u", next++);
	while (shard_of(u, names[slot % 8]) != shard);
	return names[slot++ % 8];
}

static struct bfs_handle open_at(struct cluster_unit *u, unsigned node,
				 const char *path, unsigned flags)
{
	struct bfs_open_req req = { .at = cluster_root(u),
				    .path = cluster_str(path),
				    .oflags = flags,
				    .mode = 0644,
				    .arena_slot = BFS_NO_SLOT };
	struct bfs_open_rep rep;

	assert_int_equal(cluster_open(u, node, &req, &rep), 0);
	return rep.handle;
}

static int sync_handle(struct cluster_unit *u, unsigned node,
		       struct bfs_handle h, unsigned flags)
{
	struct bfs_fsync_req req = { .handle = h, .flags = flags };
	struct bfs_fsync_rep rep;

	return cluster_fsync(u, node, &req, &rep);
}

/* A file with its name in it. */
static struct bfs_handle make(struct cluster_unit *u, unsigned node,
			      const char *path)
{
	struct bfs_handle h = open_at(u, node, path, O_CREAT | O_EXCL | O_RDWR);
	struct bfs_write_req req = { .handle = h };
	struct bfs_write_rep rep;

	u->out = path;
	u->out_len = strlen(path);
	assert_int_equal(cluster_write(u, node, &req, &rep), 0);
	assert_int_equal(rep.written, strlen(path));
	return h;
}

static struct bfs_handle make_synced(struct cluster_unit *u, unsigned node,
				     const char *path)
{
	struct bfs_handle h = make(u, node, path);

	assert_int_equal(sync_handle(u, node, h, 0), 0);
	return h;
}

/* Is it there, with that content and so many names? */
static bool is_there(struct cluster_unit *u, unsigned node, const char *path,
		     const char *content, unsigned nlink)
{
	struct bfs_read_req req = { .size = 64 };
	struct bfs_read_rep rep;
	struct bfs_attr a;
	int r = cluster_stat(u, node, path, &a);

	if (r != -ENOENT)
		assert_int_equal(r, 0);
	if (r)
		return false;
	assert_int_equal(a.nlink, nlink);
	req.handle = open_at(u, node, path, O_RDONLY);
	assert_int_equal(cluster_read(u, node, &req, &rep), 0);
	assert_int_equal(u->in_len, strlen(content));
	assert_memory_equal(u->in, content, u->in_len);
	return true;
}

static void tries(void (*test)(struct cluster_unit *u, unsigned from,
			       unsigned to, unsigned driver))
{
	for (unsigned from = 0; from < SHARDS; from++)
		for (unsigned to = 0; to < SHARDS; to++)
			for (unsigned driver = 0; driver < SHARDS; driver++) {
				struct cluster_unit *u = start(from * 9 + to);

				test(u, from, to, driver);
				cluster_unit_free(u);
			}
}

/* fsync, rename to another shard, power loss: one of both names is there. */
static void renamed_only(struct cluster_unit *u, unsigned from, unsigned to,
			 unsigned driver)
{
	const char *a = name_on(u, from), *b = name_on(u, to);

	make_synced(u, driver, a);
	assert_int_equal(cluster_move(u, driver, a, b, 0), 0);
	lose(u, ALL);
	assert_int_equal(is_there(u, 0, a, a, 1) + is_there(u, 1, b, a, 1), 1);
}

static void renamed(void **state)
{
	tries(renamed_only);
}

/* ...also if one shard has synced for another's sake in between. */
static void renamed_synced(struct cluster_unit *u, unsigned from, unsigned to,
			   unsigned driver)
{
	for (unsigned which = 0; which < SHARDS; which++) {
		const char *a = name_on(u, from), *b = name_on(u, to);
		const char *other = name_on(u, which);

		make_synced(u, driver, a);
		assert_int_equal(cluster_move(u, driver, a, b, 0), 0);
		make_synced(u, which, other);
		lose(u, ALL);
		assert_int_equal(
			is_there(u, 0, a, a, 1) + is_there(u, 1, b, a, 1), 1);
		assert_true(is_there(u, 2, other, other, 1));
	}
}

static void renamed_halves(void **state)
{
	tries(renamed_synced);
}

/* rename, fsync of the file: it has the new name. */
static void renamed_fsync(struct cluster_unit *u, unsigned from, unsigned to,
			  unsigned driver)
{
	const char *a = name_on(u, from), *b = name_on(u, to);
	struct bfs_handle h = make(u, driver, a);

	assert_int_equal(cluster_move(u, driver, a, b, 0), 0);
	assert_int_equal(sync_handle(u, (driver + 1) % SHARDS, h, 0), 0);
	lose(u, ALL);
	assert_false(is_there(u, 0, a, a, 1));
	assert_true(is_there(u, 1, b, a, 1));
}

static void fsync_of_renamed(void **state)
{
	tries(renamed_fsync);
}

/* link, fsync of the file: both names, and the count that goes with them. */
static void linked_fsync(struct cluster_unit *u, unsigned from, unsigned to,
			 unsigned driver)
{
	const char *a = name_on(u, from), *b = name_on(u, to);
	struct bfs_handle h = make(u, driver, a);

	assert_int_equal(cluster_name(u, driver, a, b), 0);
	assert_int_equal(sync_handle(u, driver, h, BFS_FSYNC_DATA), 0);
	lose(u, ALL);
	assert_true(is_there(u, 0, a, a, 2));
	assert_true(is_there(u, 1, b, a, 2));
}

static void fsync_of_linked(void **state)
{
	tries(linked_fsync);
}

/* fsync of the directory: names that came, went, and moved. */
static void dir_fsync(struct cluster_unit *u, unsigned from, unsigned to,
		      unsigned driver)
{
	const char *gone = name_on(u, from), *old = name_on(u, from);
	const char *fresh = name_on(u, to), *dir = name_on(u, to);
	struct bfs_attr a;
	struct bfs_handle root;

	make_synced(u, driver, gone);
	make_synced(u, driver, old);
	assert_int_equal(cluster_remove(u, driver, gone, false), 0);
	assert_int_equal(cluster_move(u, driver, old, fresh, 0), 0);
	assert_int_equal(cluster_mkdir_at(u, driver, dir, 0755), 0);
	root = open_at(u, driver, "/", O_RDONLY | O_DIRECTORY);
	assert_int_equal(sync_handle(u, driver, root, 0), 0);
	lose(u, ALL);
	assert_int_equal(cluster_stat(u, 0, gone, &a), -ENOENT);
	assert_int_equal(cluster_stat(u, 0, old, &a), -ENOENT);
	assert_true(is_there(u, 1, fresh, old, 1));
	assert_int_equal(cluster_stat(u, 2, dir, &a), 0);
}

static void fsync_of_directory(void **state)
{
	tries(dir_fsync);
}

static void all_syncfs(struct cluster_unit *u, unsigned from, unsigned to,
		       unsigned driver)
{
	uint64_t before = bfs_ploop_sent(u->net, BFS_OP_SYNCLOG);
	struct bfs_handle root =
		open_at(u, driver, "/", O_RDONLY | O_DIRECTORY);

	assert_int_equal(sync_handle(u, driver, root, BFS_FSYNC_ALL), 0);
	assert_int_equal(bfs_ploop_sent(u->net, BFS_OP_SYNCLOG) - before,
			 SHARDS - 1);
}

static void syncfs_asks_all(void **state)
{
	tries(all_syncfs);
}

/* One loses its power while the others go on: it is told again. */
static void one_loses(struct cluster_unit *u, unsigned from, unsigned to,
		      unsigned driver)
{
	if (from == to && to == driver)
		return; /* nobody else knows of it */
	for (unsigned which = 0; which < SHARDS; which++) {
		const char *a = name_on(u, from), *b = name_on(u, to);

		make_synced(u, driver, a);
		assert_int_equal(cluster_move(u, driver, a, b, 0), 0);
		lose(u, 1u << which);
		assert_false(is_there(u, 0, a, a, 1));
		assert_true(is_there(u, 1, b, a, 1));
	}
}

static void lost_by_one(void **state)
{
	tries(one_loses);
}

/* In time it is on disk everywhere without anybody asking for that. */
static void settled(struct cluster_unit *u, unsigned from, unsigned to,
		    unsigned driver)
{
	const char *a = name_on(u, from), *b = name_on(u, to);

	make_synced(u, driver, a);
	assert_int_equal(cluster_move(u, driver, a, b, 0), 0);
	cluster_pass(u, 3);
	for (unsigned i = 0; i < SHARDS; i++)
		assert_null(u->servers[i].fs->unsettled);
	if (from == to && to == driver)
		return; /* nobody but one shard took part */
	lose(u, ALL);
	assert_false(cluster_stat(u, 0, b, &(struct bfs_attr){ 0 }));
	assert_true(cluster_stat(u, 0, a, &(struct bfs_attr){ 0 }));
}

static void it_settles(void **state)
{
	tries(settled);
}

/* A shard that is down, or silent: EIO, again and again until it is back. */
static void fsync_fails(void **state)
{
	struct cluster_unit *u = start(5);
	const char *a = name_on(u, 0), *b = name_on(u, 1);
	struct bfs_handle h = make(u, 2, a);

	assert_int_equal(cluster_move(u, 2, a, b, 0), 0);
	bfs_ploop_cut(u->net, 1, true);
	/* The node's daemon may lose its patience first (F1). */
	for (unsigned n = 0; n < 2; n++) {
		int r = sync_handle(u, 2, h, 0);

		assert_true(r == -EIO || r == -ETIMEDOUT);
	}
	bfs_ploop_cut(u->net, 1, false);
	assert_int_equal(sync_handle(u, 2, h, 0), 0);
	lose(u, ALL);
	assert_true(is_there(u, 0, b, a, 1));
	cluster_unit_free(u);
}

/* The recorder itself: without any sync nothing stays. */
static void liars_lose(void **state)
{
	struct cluster_unit *u = start(6);
	const char *a = name_on(u, 0);

	power_lie(true);
	make_synced(u, 1, a);
	lose(u, ALL);
	assert_false(is_there(u, 0, a, a, 1));
	power_lie(false);
	cluster_unit_free(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(liars_lose),
		cmocka_unit_test(renamed),
		cmocka_unit_test(renamed_halves),
		cmocka_unit_test(fsync_of_renamed),
		cmocka_unit_test(fsync_of_linked),
		cmocka_unit_test(fsync_of_directory),
		cmocka_unit_test(syncfs_asks_all),
		cmocka_unit_test(lost_by_one),
		cmocka_unit_test(it_settles),
		cmocka_unit_test(fsync_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
