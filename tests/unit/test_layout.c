/* SPDX-License-Identifier: BSD-3-Clause */
/* Layouts: what is made in a directory has the directory's, and keeps it. */
#include "tests/unit/journal_unit.h"

#include <stdio.h>

static void ok(int r)
{
	assert_int_equal(r, 0);
}

static struct bfs_inode *find(struct fs_unit *u, const char *path)
{
	struct bfs_attr a;

	ok(u_lstat(u, path, &a));
	return bfs_inode_find(u->fs, a.ino);
}

static void is(struct fs_unit *u, const char *path, unsigned policy,
	       unsigned chunk_log2)
{
	struct bfs_layout l = find(u, path)->layout;

	if (l.policy != policy || l.chunk_log2 != chunk_log2)
		fail_msg("%s: policy %u, chunks 2^%u", path, l.policy,
			 l.chunk_log2);
}

static void test_packed(void **state)
{
	static const uint32_t bad[] = { 0,
					15u << 8,
					31u << 8,
					22u << 8 | BFS_POLICIES,
					22u << 8 | 4u << 16,
					22u << 8 | 1u << 31,
					(22u + 64) << 8 };
	struct bfs_layout l;

	for (unsigned policy = 0; policy < BFS_POLICIES; policy++)
		for (unsigned log2 = 16; log2 <= 30; log2++)
			for (unsigned own = 0; own < 4; own++) {
				struct bfs_layout in = {
					.policy = (uint8_t)policy,
					.chunk_log2 = log2 & 63,
					.own = own & 3
				};

				assert_true(bfs_layout_unpack(
					&l, bfs_layout_pack(in)));
				assert_int_equal(l.policy, policy);
				assert_int_equal(l.chunk_log2, log2);
				assert_int_equal(l.own, own);
			}
	for (size_t n = 0; n < sizeof(bad) / sizeof(*bad); n++)
		assert_false(bfs_layout_unpack(&l, bad[n]));
	assert_int_equal(sizeof(l), 2);
}

/* Whoever is made gets it; whoever was there keeps his, also over a restart. */
static void test_inherited(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_open_rep rep;

	ok(u_mkdir(u, "/old", 0755));
	find(u, "/old")->layout =
		(struct bfs_layout){ .policy = BFS_POLICY_LOCAL,
				     .chunk_log2 = 16,
				     .own = BFS_LAYOUT_OWN_POLICY |
					    BFS_LAYOUT_OWN_CHUNK };
	ok(u_mkdir(u, "/old/dir", 0755));
	ok(u_open(u, "/old/dir/file", O_CREAT | O_RDWR, 0600, &rep));
	ok(u_symlink(u, "file", "/old/dir/link"));
	find(u, "/old")->layout.policy = BFS_POLICY_STRIPE;
	ok(u_open(u, "/old/file", O_CREAT | O_RDWR, 0600, &rep));
	ok(u_mkdir(u, "/dir", 0755));
	u_turn(u);
	for (int n = 0; n < 2; n++) {
		is(u, "/", BFS_POLICY_STRIPE, BFS_CHUNK_LOG2_DEFAULT);
		is(u, "/dir", BFS_POLICY_STRIPE, BFS_CHUNK_LOG2_DEFAULT);
		is(u, "/old/dir", BFS_POLICY_LOCAL, 16);
		is(u, "/old/dir/file", BFS_POLICY_LOCAL, 16);
		is(u, "/old/file", BFS_POLICY_STRIPE, 16);
		assert_int_equal(find(u, "/old/dir")->layout.own, 0);
		ok(u_kill_and_start(u));
	}
}

/* The root has what is configured, each time it starts, but what was set. */
static void test_root(void **state)
{
	struct fs_unit *u = *state;

	u->conf.layout = (struct bfs_layout){ .policy = BFS_POLICY_LOCAL,
					      .chunk_log2 = 20 };
	ok(u_kill_and_start(u));
	is(u, "/", BFS_POLICY_LOCAL, 20);
	u->fs->root->layout.own = BFS_LAYOUT_OWN_POLICY;
	bfs_note_inode(u->fs, u->fs->root);
	u_turn(u);
	u->conf.layout = (struct bfs_layout){ .policy = BFS_POLICY_STRIPE,
					      .chunk_log2 = 24 };
	ok(u_kill_and_start(u));
	is(u, "/", BFS_POLICY_LOCAL, 24);
	u->fs->root->layout.own |= BFS_LAYOUT_OWN_CHUNK;
	bfs_note_inode(u->fs, u->fs->root);
	u_turn(u);
	u->conf.layout.chunk_log2 = 0;
	ok(u_kill_and_start(u));
	is(u, "/", BFS_POLICY_LOCAL, 24);
}

#define TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, journal_unit_setup, \
					fs_unit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packed),
		TEST(test_inherited),
		TEST(test_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
