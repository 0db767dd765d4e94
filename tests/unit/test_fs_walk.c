/* SPDX-License-Identifier: BSD-3-Clause */
/* Where paths lead, how long they may be, and where they leave BenchFS. */
#include "tests/unit/fs_unit.h"

#include "core/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int stat_len(struct fs_unit *u, const char *path, uint32_t len)
{
	struct bfs_getattr_req req = { .at = u->root, .path = { path, len } };
	struct bfs_getattr_rep rep;

	return bfs_serve_getattr(u->c, &req, &rep);
}

static void test_lengths(void **state)
{
	struct fs_unit *u = *state;
	char path[5000];

	memset(path, 'n', sizeof(path));
	assert_int_equal(stat_len(u, path, 255), -ENOENT);
	assert_int_equal(stat_len(u, path, 256), -ENAMETOOLONG);
	path[255] = '\0';
	assert_int_equal(u_mkdir(u, path, 0755), 0);
	path[255] = 'n';
	for (int n = 0; n < 5000; n++)
		path[n] = n & 1 ? '/' : '.';
	assert_int_equal(stat_len(u, path, 4095), 0);
	assert_int_equal(stat_len(u, path, 4096), -ENAMETOOLONG);
	assert_int_equal(stat_len(u, "a\0b", 3), -EINVAL);
	assert_int_equal(stat_len(u, "/", 1), 0);
	assert_int_equal(stat_len(u, "////", 4), 0);
}

/* A target with a NUL would make names with one. */
static void test_bad_targets(void **state)
{
	struct fs_unit *u = *state;
	static char text[4096];
	struct bfs_mknod_req req = { .at = u->root,
				     .path = u_str("l"),
				     .mode = S_IFLNK | 0777 };
	struct bfs_mknod_rep rep;

	memset(text, 'x', sizeof(text));
	req.target = (struct bfs_str){ "a\0b", 3 };
	assert_int_equal(bfs_serve_mknod(u->c, &req, &rep), -EINVAL);
	req.target = (struct bfs_str){ text, 4096 };
	assert_int_equal(bfs_serve_mknod(u->c, &req, &rep), -ENAMETOOLONG);
	req.target = (struct bfs_str){ text, 0 };
	assert_int_equal(bfs_serve_mknod(u->c, &req, &rep), -ENOENT);
	req.target = (struct bfs_str){ text, 4095 };
	assert_int_equal(bfs_serve_mknod(u->c, &req, &rep), 0);
}

/* Any byte but NUL and slash is a name. */
static void test_bytes(void **state)
{
	struct fs_unit *u = *state;
	char name[2] = "";

	for (int n = 1; n < 256; n++) {
		name[0] = (char)n;
		if (n == '/' || n == '.')
			continue;
		assert_int_equal(u_mkdir(u, name, 0755), 0);
		assert_int_equal(u_rmdir(u, name), 0);
	}
}

/* 40 symlinks are followed, as by the kernel, and not one more. */
static void test_links(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_attr a;
	char name[16], target[16];

	assert_int_equal(u_mkdir(u, "0", 0755), 0);
	for (int n = 1; n <= 41; n++) {
		snprintf(name, sizeof(name), "%d", n);
		snprintf(target, sizeof(target), "%d", n - 1);
		assert_int_equal(u_symlink(u, target, name), 0);
	}
	assert_int_equal(u_stat(u, "40", &a), 0);
	assert_int_equal(u_stat(u, "41", &a), -ELOOP);
	assert_int_equal(u_lstat(u, "41", &a), 0);
	assert_int_equal(a.size, 2);
	assert_int_equal(u_lstat(u, "41/", &a), -ELOOP);
}

/* Paths, and where they go on outside. */
static const struct {
	const char *path, *rest;
	unsigned up, links;
} escapes[] = {
	{ "..", "", 1, 0 },
	{ "/..", "", 1, 0 },
	{ "../", "", 1, 0 },
	{ "../x/y", "x/y", 1, 0 },
	{ "d/../../x//y/", "x//y/", 1, 0 },
	{ "abs", "/etc/passwd", 0, 1 },
	{ "abs/", "/etc/passwd/", 0, 1 },
	{ "abs/x", "/etc/passwd/x", 0, 1 },
	{ "abs//x/", "/etc/passwd/x/", 0, 1 },
	{ "d/rel/x", "/etc/passwd/x", 0, 2 },
	{ "d/out/x", "outside/x", 1, 1 },
	{ "root", "/", 0, 1 },
	{ "root/x", "//x", 0, 1 },
};

static void test_escapes(void **state)
{
	struct fs_unit *u = *state;
	char rest[64];

	assert_int_equal(u_mkdir(u, "d", 0755), 0);
	assert_int_equal(u_symlink(u, "/etc/passwd", "abs"), 0);
	assert_int_equal(u_symlink(u, "/", "root"), 0);
	assert_int_equal(u_symlink(u, "../abs", "d/rel"), 0);
	assert_int_equal(u_symlink(u, "../../outside", "d/out"), 0);
	for (size_t n = 0; n < BFS_COUNT(escapes); n++) {
		const struct bfs_escape_rep *e = &u->c->escape;
		struct bfs_attr a;

		assert_int_equal(u_stat(u, escapes[n].path, &a),
				 -(int)BFS_ESCAPE);
		snprintf(rest, sizeof(rest), "%.*s", (int)e->path.len,
			 e->path.ptr);
		assert_string_equal(rest, escapes[n].rest);
		assert_int_equal(e->up, escapes[n].up);
		assert_int_equal(e->links, escapes[n].links);
		assert_int_equal(e->which, 0);
	}
	assert_int_equal(u_rename(u, "abs/x", "d", 0), -(int)BFS_ESCAPE);
	assert_int_equal(u->c->escape.which, 0);
	assert_int_equal(u_rename(u, "d", "abs/x", 0), -(int)BFS_ESCAPE);
	assert_int_equal(u->c->escape.which, 1);
	/* The last name of what makes or removes names is not followed. */
	assert_int_equal(u_mkdir(u, "abs", 0755), -EEXIST);
	assert_int_equal(u_rmdir(u, ".."), -ENOTEMPTY);
	assert_int_equal(u_unlink(u, "abs"), 0);
}

static void test_long_escape(void **state)
{
	struct fs_unit *u = *state;
	char target[4096], path[256];
	struct bfs_attr a;

	memset(target, 'x', sizeof(target));
	target[0] = '/';
	target[4095] = '\0';
	assert_int_equal(u_symlink(u, target, "l"), 0);
	assert_int_equal(u_stat(u, "l", &a), -(int)BFS_ESCAPE);
	assert_int_equal(u->c->escape.path.len, 4095);
	memset(path, 'y', sizeof(path));
	memcpy(path, "l/", 2);
	path[255] = '\0';
	assert_int_equal(u_stat(u, path, &a), -ENAMETOOLONG);
	/* Relative ones may add up to more than a path is long. */
	for (int n = 0; n < 4095; n++)
		target[n] = n & 1 ? '/' : '.';
	assert_int_equal(u_symlink(u, target, "r"), 0);
	assert_int_equal(u_stat(u, "r/r/r/r", &a), 0);
}

/* An empty path is the handle's inode; only directories lead further. */
static void test_handles(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_open_rep rep;
	struct bfs_attr a;

	u->live_slots = 2;
	assert_int_equal(u_symlink(u, "d", "l"), 0);
	assert_int_equal(u_open_slot(u, "l", O_PATH | O_NOFOLLOW, 0, 1, &rep),
			 0);
	assert_int_equal(rep.kind, BFS_OPEN_PATH);
	u->at = rep.handle;
	assert_int_equal(u_stat(u, "", &a), 0);
	assert_int_equal(a.mode & S_IFMT, S_IFLNK);
	assert_int_equal(u_stat(u, "x", &a), -ENOTDIR);
	assert_int_equal(u_stat(u, "/l", &a), -ENOENT);
	/* A directory without x leads nowhere, even by its handle. */
	u->at = u->root;
	assert_int_equal(u_mkdir(u, "d", 0755), 0);
	assert_int_equal(u_open_slot(u, "d", O_PATH, 0, 1, &rep), 0);
	assert_int_equal(u_chmod(u, "d", 0600), 0);
	u->at = rep.handle;
	u_as(u, 4242, 4242);
	assert_int_equal(u_stat(u, ".", &a), -EACCES);
	assert_int_equal(u_stat(u, "", &a), 0);
}

#define FS_TEST(t) \
	cmocka_unit_test_setup_teardown(t, fs_unit_setup, fs_unit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FS_TEST(test_lengths), FS_TEST(test_bad_targets),
		FS_TEST(test_bytes),   FS_TEST(test_links),
		FS_TEST(test_escapes), FS_TEST(test_long_escape),
		FS_TEST(test_handles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
