/* SPDX-License-Identifier: BSD-3-Clause */
/* Extended attributes: the answers of Linux, case by case. */
#include "tests/unit/fs_unit.h"

#include "core/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

static int do_set(struct fs_unit *u, const char *path, const char *name,
		  const void *value, size_t size, uint32_t flags)
{
	struct bfs_setxattr_req req = { u->root, u_str(path),
					AT_SYMLINK_NOFOLLOW | flags << 16,
					u_str(name) };
	struct bfs_setxattr_rep rep;
	int r;

	u->c->out = value;
	u->c->out_len = size;
	r = bfs_serve_setxattr(u->c, &req, &rep);
	u->c->out_len = 0;
	return r;
}

static int do_get(struct fs_unit *u, const char *path, const char *name,
		  uint64_t size)
{
	struct bfs_getxattr_req req = { u->root, u_str(path),
					AT_SYMLINK_NOFOLLOW, u_str(name),
					size };
	struct bfs_getxattr_rep rep = { 0 };
	int r;

	u->c->in_len = 0;
	r = bfs_serve_getxattr(u->c, &req, &rep);
	return r ? r : (int)rep.length;
}

static int do_list(struct fs_unit *u, const char *path, uint64_t size)
{
	struct bfs_listxattr_req req = { u->root, u_str(path), 0, size };
	struct bfs_listxattr_rep rep = { 0 };
	int r;

	u->c->in_len = 0;
	r = bfs_serve_listxattr(u->c, &req, &rep);
	return r ? r : (int)rep.length;
}

static int do_remove(struct fs_unit *u, const char *path, const char *name)
{
	struct bfs_removexattr_req req = { u->root, u_str(path), 0,
					   u_str(name) };
	struct bfs_removexattr_rep rep;

	return bfs_serve_removexattr(u->c, &req, &rep);
}

static void be(struct fs_unit *u, uint32_t id)
{
	u_as(u, id, id);
}

static void test_values(void **state)
{
	struct fs_unit *u = *state;
	static char big[65537];

	be(u, 0);
	assert_int_equal(u_open(u, "f", O_CREAT, 0644, NULL), 0);
	assert_int_equal(do_set(u, "f", "user.a", "one", 3, 0), 0);
	assert_int_equal(do_get(u, "f", "user.a", 0), 3);
	assert_int_equal(u->c->in_len, 0);
	assert_int_equal(do_get(u, "f", "user.a", 3), 3);
	assert_memory_equal(u->in, "one", 3);
	assert_int_equal(do_get(u, "f", "user.a", 2), -ERANGE);
	assert_int_equal(do_set(u, "f", "user.a", "", 0, 0), 0);
	assert_int_equal(do_get(u, "f", "user.a", 10), 0);
	assert_int_equal(do_set(u, "f", "user.a", "x", 1, XATTR_CREATE),
			 -EEXIST);
	assert_int_equal(do_set(u, "f", "user.b", "x", 1, XATTR_REPLACE),
			 -ENODATA);
	assert_int_equal(do_set(u, "f", "user.b", "x", 1, XATTR_CREATE), 0);
	assert_int_equal(do_set(u, "f", "user.b", "yy", 2, XATTR_REPLACE), 0);
	assert_int_equal(do_get(u, "f", "user.b", 10), 2);
	assert_int_equal(do_set(u, "f", "user.b", "x", 1, 4), -EINVAL);
	assert_int_equal(do_set(u, "f", "user.big", big, 65536, 0), 0);
	assert_int_equal(do_set(u, "f", "user.big", big, 65537, 0), -E2BIG);
	assert_int_equal(do_list(u, "f", 0), 7 + 7 + 9);
	assert_int_equal(do_list(u, "f", 22), -ERANGE);
	assert_int_equal(do_list(u, "f", 23), 23);
	assert_int_equal(u->c->in_len, 23);
	assert_int_equal(do_remove(u, "f", "user.a"), 0);
	assert_int_equal(do_remove(u, "f", "user.a"), -ENODATA);
	assert_int_equal(do_get(u, "f", "user.a", 10), -ENODATA);
	assert_int_equal(do_get(u, "none", "user.a", 10), -ENOENT);
}

/* Who, on what, which name: what set and get answer. */
static const struct {
	uint32_t uid;
	const char *path, *name;
	int set, get;
} cases[] = {
	{ 0, "mine", "user.x", 0, 1 },
	{ 7, "mine", "user.x", 0, 1 },
	{ 8, "mine", "user.x", -EACCES, 1 },
	{ 7, "roots", "user.x", -EACCES, -EACCES },
	{ 0, "fifo", "user.x", -EPERM, -ENODATA },
	{ 0, "link", "user.x", -EPERM, -ENODATA },
	{ 0, "link", "trusted.x", 0, 1 },
	{ 7, "mine", "trusted.x", -EPERM, -ENODATA },
	{ 0, "mine", "trusted.x", 0, 1 },
	{ 7, "mine", "trusted.x", -EPERM, -ENODATA },
	{ 0, "mine", "security.x", 0, 1 },
	{ 8, "mine", "security.x", -EPERM, 1 },
	{ 0, "mine", "system.posix_acl_access", -EOPNOTSUPP, -EOPNOTSUPP },
	{ 0, "mine", "other.x", -EOPNOTSUPP, -EOPNOTSUPP },
	{ 0, "mine", "user.", -EINVAL, -EINVAL },
	{ 0, "mine", "user", -EOPNOTSUPP, -EOPNOTSUPP },
	{ 0, "mine", "", -ERANGE, -ERANGE },
	{ 7, "sticky", "user.x", -EPERM, -ENODATA },
	{ 0, "sticky", "user.x", 0, 1 },
	{ 7, "sticky", "user.x", -EPERM, 1 },
};

static void test_rights(void **state)
{
	struct fs_unit *u = *state;

	be(u, 0);
	assert_int_equal(u_open(u, "roots", O_CREAT, 0600, NULL), 0);
	assert_int_equal(u_mknod(u, "fifo", S_IFIFO | 0666, 0), 0);
	assert_int_equal(u_symlink(u, "roots", "link"), 0);
	assert_int_equal(u_mkdir(u, "sticky", 01777), 0);
	be(u, 7);
	assert_int_equal(u_open(u, "mine", O_CREAT, 0644, NULL), 0);
	for (size_t n = 0; n < BFS_COUNT(cases); n++) {
		int set, get;

		be(u, cases[n].uid);
		set = do_set(u, cases[n].path, cases[n].name, "v", 1, 0);
		get = do_get(u, cases[n].path, cases[n].name, 10);
		if (set != cases[n].set || get != cases[n].get)
			fail_msg("case %zu: set %d, get %d", n, set, get);
	}
	be(u, 0);
	assert_int_equal(do_list(u, "mine", 0), 7 + 10 + 11);
	be(u, 7);
	assert_int_equal(do_list(u, "mine", 0), 7 + 11); /* no trusted.x */
}

static void test_limits(void **state)
{
	struct fs_unit *u = *state;
	char name[300];
	int n, r = 0;

	be(u, 0);
	assert_int_equal(u_open(u, "f", O_CREAT, 0644, NULL), 0);
	memset(name, 'n', sizeof(name));
	memcpy(name, "user.", 5);
	name[256] = '\0';
	assert_int_equal(do_set(u, "f", name, "", 0, 0), -ERANGE);
	/* 255 bytes and a NUL each: 256 of them fill a list of 64 KiB. */
	for (n = 0; !r && n < 300; n++) {
		snprintf(name + 252, sizeof(name) - 252, "%03d", n);
		r = do_set(u, "f", name, "", 0, 0);
	}
	assert_int_equal(r, -ENOSPC);
	assert_int_equal(n, 257);
	assert_int_equal(do_list(u, "f", 65536), 65536);
}

#define FS_TEST(t) \
	cmocka_unit_test_setup_teardown(t, fs_unit_setup, fs_unit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FS_TEST(test_values),
		FS_TEST(test_rights),
		FS_TEST(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
