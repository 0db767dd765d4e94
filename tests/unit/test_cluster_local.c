/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Policy local: a file is at its maker's node, its entry where the ring says,
 * and it is made once, whoever else tries and whatever gets lost (S2, F2).
 */
#include "tests/unit/cluster_unit.h"

#include "core/place.h"
#include "core/util.h"
#include "server/dir.h"
#include "server/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static struct cluster_unit *new_local(unsigned n, unsigned per_node,
				      uint64_t seed)
{
	return cluster_unit_with(&(struct cluster_unit_conf){
		.n = n,
		.seed = seed,
		.per_node = per_node,
		.layout.policy = BFS_POLICY_LOCAL });
}

static int mknod_at(struct cluster_unit *u, unsigned node, const char *path,
		    unsigned mode)
{
	struct bfs_mknod_req req = { .at = cluster_root(u),
				     .path = cluster_str(path),
				     .mode = mode,
				     .target = cluster_str("target") };
	struct bfs_mknod_rep rep;

	if (!S_ISLNK(mode))
		req.target.len = 0;
	return cluster_mknod(u, node, &req, &rep);
}

static unsigned home_of(struct cluster_unit *u, const char *path)
{
	struct bfs_attr a;

	assert_int_equal(cluster_stat(u, 0, path, &a), 0);
	return (unsigned)(a.ino >> BFS_SHARD_SHIFT);
}

static uint64_t home_dir(struct cluster_unit *u, const char *path)
{
	struct bfs_attr a;

	assert_int_equal(cluster_stat(u, 0, path, &a), 0);
	return a.ino;
}

/* Of an entry of the root. */
static unsigned entry_of(struct cluster_unit *u, const char *name)
{
	unsigned at =
		bfs_place_entry(u->place, BFS_ROOT_INO, cluster_str(name));
	const struct bfs_fs *fs = u->servers[at].fs;
	const struct bfs_inode *dir = bfs_inode_find(fs, BFS_ROOT_INO);

	assert_non_null(dir);
	assert_non_null(bfs_dir_find(fs, dir, cluster_str(name)));
	return at;
}

/* Files are at the node, evenly over its daemons; the rest at its entry. */
static void test_where(void **state)
{
	static const unsigned types[] = { S_IFREG, S_IFIFO, S_IFSOCK, S_IFLNK,
					  S_IFDIR };
	enum { NODES = 4, EACH = 4, FILES = 4000 };
	struct cluster_unit *u = new_local(NODES * EACH, EACH, 1);
	unsigned count[NODES * EACH] = { 0 };
	char name[32];

	for (unsigned i = 0; i < FILES; i++) {
		unsigned node = i % NODES * EACH, home;

		snprintf(name, sizeof(name), "file.%05u", i);
		assert_int_equal(
			cluster_create(u, node, name, O_RDWR | O_EXCL, 0644),
			0);
		home = home_of(u, name);
		assert_int_equal(home - home % EACH, node);
		if (entry_of(u, name) / EACH == home / EACH)
			assert_int_equal(home, entry_of(u, name));
		count[home]++;
	}
	for (unsigned i = 0; i < NODES * EACH; i++)
		assert_in_range(count[i], FILES / 16 * 3 / 4,
				FILES / 16 * 5 / 4);
	for (unsigned i = 0; i < 200; i++) {
		unsigned type = types[i % BFS_COUNT(types)];
		unsigned node = i % NODES * EACH;

		snprintf(name, sizeof(name), "node.%u", i);
		assert_int_equal(mknod_at(u, node, name, type | 0644), 0);
		if (S_ISLNK(type) || S_ISDIR(type))
			assert_int_equal(home_of(u, name), entry_of(u, name));
		else
			assert_int_equal(home_of(u, name) / EACH, node / EACH);
	}
	cluster_unit_free(u);
}

/* Three messages each, whoever else makes some: entry, promise, end. */
static void test_messages(void **state)
{
	struct cluster_unit *u = new_local(8, 1, 2);
	const unsigned files = 800;
	char name[32];
	uint64_t before = 0;

	for (unsigned i = 0; i < 2 * files; i++) {
		if (i == files)
			before = bfs_ploop_total(u->net);
		snprintf(name, sizeof(name), "file.%05u", i);
		assert_int_equal(cluster_create(u, i % 8, name, O_RDWR, 0644),
				 0);
	}
	assert_true(bfs_ploop_total(u->net) - before <= 3 * files);
	cluster_unit_free(u);
}

static struct cluster_call *start_open(struct cluster_unit *u, unsigned node,
				       const char *name, int flags)
{
	struct bfs_open_req req = { .at = cluster_root(u),
				    .path = cluster_str(name),
				    .oflags = (uint32_t)flags,
				    .mode = 0644,
				    .arena_slot = BFS_NO_SLOT };
	uint8_t fields[512];
	struct bfs_wire w;

	bfs_wire_init(&w, fields, sizeof(fields));
	assert_int_equal(bfs_open_req_put(&w, &req), 0);
	return cluster_start(u, node, BFS_OP_OPEN, fields,
			     (size_t)(w.pos - fields));
}

static uint64_t opened_ino(struct cluster_unit *u)
{
	struct bfs_open_rep rep;
	struct bfs_wire w;

	bfs_wire_init(&w, u->rep + BFS_REP_HEAD_LEN,
		      sizeof(u->rep) - BFS_REP_HEAD_LEN);
	assert_int_equal(bfs_open_rep_get(&w, &rep), 0);
	return rep.attr.ino;
}

/* All nodes at once: one makes it (O_EXCL), or all open the same one. */
static void one_race(struct cluster_unit *u, const char *name, bool excl)
{
	struct cluster_call *calls[16];
	int flags = O_CREAT | O_RDWR | (excl ? O_EXCL : 0);
	unsigned winners = 0;
	struct bfs_attr a;
	uint64_t ino = 0;

	for (unsigned i = 0; i < u->n; i++)
		calls[i] = start_open(u, i, name, flags);
	for (unsigned i = 0; i < u->n; i++) {
		int r = cluster_finish(u, calls[i]);

		winners += !r;
		if (excl && r)
			assert_int_equal(r, -EEXIST);
		else
			assert_int_equal(r, 0);
		if (!r && ino)
			assert_true(ino == opened_ino(u));
		if (!r)
			ino = opened_ino(u);
	}
	assert_int_equal(winners, excl ? 1 : u->n);
	assert_int_equal(cluster_stat(u, 0, name, &a), 0);
	assert_true(a.ino == ino);
	assert_int_equal(a.nlink, 1);
}

static void run_races(const struct cluster_unit_conf *conf)
{
	struct cluster_unit *u = cluster_unit_with(conf);
	char name[32];

	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "r%u", i);
		one_race(u, name, i % 2);
		if (i % 3)
			continue;
		assert_int_equal(cluster_remove(u, i % u->n, name, false), 0);
		one_race(u, name, i % 2);
	}
	cluster_unit_free(u);
}

static void test_one_winner(void **state)
{
	struct cluster_unit_conf conf = { .n = 5,
					  .seed = 3,
					  .layout.policy = BFS_POLICY_LOCAL };

	run_races(&conf);
	conf.per_node = 2;
	conf.n = 8;
	run_races(&conf);
}

/* What was lost is sent again, and does not happen twice: the one who made it
 * is not told that it is there. */
static void test_once(void **state)
{
	struct cluster_unit_conf conf = { .n = 4,
					  .per_node = 1,
					  .duplicate = 50,
					  .breaks = 10,
					  .stray = 10,
					  .layout.policy = BFS_POLICY_LOCAL };

	for (conf.seed = 10; conf.seed < 14; conf.seed++) {
		run_races(&conf);
		conf.per_node = 3 - conf.per_node;
	}
}

/* S4: a name that is replaced all the time is always there, although the
 * inodes that it names come and go on several nodes. */
static void test_replaced(void **state)
{
	/* So that a message may be overtaken by a whole rename. */
	struct cluster_unit *u = cluster_unit_with(&(struct cluster_unit_conf){
		.n = 6,
		.seed = 4,
		.delay_max_ns = 20000000,
		.layout.policy = BFS_POLICY_LOCAL });
	struct cluster_call *calls[6];
	char tmp[32];

	assert_int_equal(cluster_create(u, 0, "name", O_RDWR, 0644), 0);
	for (unsigned i = 0; i < 600; i++) {
		struct bfs_rename_req req = { .old_at = cluster_root(u),
					      .new_at = cluster_root(u),
					      .new_path = cluster_str("name") };
		uint8_t fields[512];
		struct bfs_wire w;

		snprintf(tmp, sizeof(tmp), "tmp%u", i);
		assert_int_equal(cluster_create(u, i % 6, tmp, O_RDWR, 0644),
				 0);
		req.old_path = cluster_str(tmp);
		bfs_wire_init(&w, fields, sizeof(fields));
		assert_int_equal(bfs_rename_req_put(&w, &req), 0);
		calls[0] = cluster_start(u, i % 5, BFS_OP_RENAME, fields,
					 (size_t)(w.pos - fields));
		for (unsigned k = 1; k < 6; k++) {
			for (unsigned s = 0; s < i % 17; s++)
				bfs_ploop_step(u->net);
			calls[k] =
				start_open(u, k, "name",
					   k % 2 ? O_RDWR : O_RDWR | O_CREAT);
		}
		for (unsigned k = 0; k < 6; k++)
			assert_int_equal(cluster_finish(u, calls[k]), 0);
	}
	cluster_unit_free(u);
}

static int set_policy(struct cluster_unit *u, unsigned node, const char *path,
		      const char *policy)
{
	struct bfs_setxattr_req req = { .at = cluster_root(u),
					.path = cluster_str(path),
					.name = cluster_str(
						"user.benchfs.placement") };
	struct bfs_setxattr_rep rep;

	u->out = policy;
	u->out_len = strlen(policy);
	return cluster_setxattr(u, node, &req, &rep);
}

/* R21: once a policy is set, whatever is made anywhere has it, also where a
 * copy of the directory was in use until then. */
static void test_policy_changes(void **state)
{
	struct cluster_unit *u = cluster_unit_new(6, 7);
	char name[32];
	unsigned made = 0;

	assert_int_equal(cluster_mkdir_at(u, 0, "d", 0777), 0);
	for (unsigned round = 0; round < 20; round++) {
		bool local = round % 2;

		assert_int_equal(set_policy(u, round % 6, "d",
					    local ? "local" : "whole"),
				 0);
		for (unsigned node = 0; node < 6; node++) {
			unsigned home;

			snprintf(name, sizeof(name), "d/f%u", made++);
			assert_int_equal(cluster_create(u, node, name,
							O_RDWR | O_EXCL, 0644),
					 0);
			home = home_of(u, name);
			if (local)
				assert_int_equal(home, node);
			else
				assert_int_equal(
					home,
					bfs_place_entry(u->place,
							home_dir(u, "d"),
							cluster_str(name + 2)));
		}
	}
	assert_int_equal(set_policy(u, 1, "d", "none"), -EINVAL);
	assert_int_equal(set_policy(u, 1, "d/f1", "stripe"), 0);
	cluster_unit_free(u);
}

/* A change that is faster than the message to the inode that the name led to:
 * made here by hand, since the network is too even for it. */
static void test_gone_on_arrival(void **state)
{
	struct cluster_unit *u = new_local(6, 1, 5);
	unsigned at =
		bfs_place_entry(u->place, BFS_ROOT_INO, cluster_str("name"));
	struct bfs_fs *fs = u->servers[at].fs, *old;
	struct cluster_call *call;
	struct bfs_attr a, b;
	struct bfs_inode *i;

	assert_int_equal(cluster_create(u, (at + 1) % 6, "name", O_RDWR, 0644),
			 0);
	assert_int_equal(cluster_create(u, (at + 2) % 6, "new", O_RDWR, 0644),
			 0);
	assert_int_equal(cluster_stat(u, 0, "name", &a), 0);
	assert_int_equal(cluster_stat(u, 0, "new", &b), 0);
	call = start_open(u, at, "name", O_RDWR);
	assert_false(cluster_done(call));
	assert_int_equal(bfs_dir_put(fs, bfs_inode_find(fs, BFS_ROOT_INO),
				     cluster_str("name"), b.ino, S_IFREG),
			 0);
	old = u->servers[a.ino >> BFS_SHARD_SHIFT].fs;
	i = bfs_inode_here(old, a.ino);
	i->nlink = 0;
	bfs_inode_free(old, i);
	assert_int_equal(cluster_finish(u, call), 0);
	assert_true(opened_ino(u) == b.ino);
	cluster_unit_free(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_one_winner),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_gone_on_arrival),
		cmocka_unit_test(test_policy_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
