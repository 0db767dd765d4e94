/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories: readdir under change (S11), names that collide, getpath. */
#include "tests/unit/fs_unit.h"

#include "core/util.h"
#include "server/dir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A page: entries are handed to each, the last one's cursor is returned. */
typedef void each_fn(void *arg, const struct bfs_dirent *d);

static int read_page_as(struct fs_unit *u, struct bfs_handle h, uint32_t flags,
			uint64_t *cursor, uint32_t size, each_fn *each,
			void *arg, uint32_t *eof)
{
	struct bfs_readdir_req req = {
		.at = h, .cursor = *cursor, .size = size, .flags = flags
	};
	struct bfs_readdir_rep rep = { 0 };
	int r = bfs_serve_readdir(u->c, &req, &rep);
	struct bfs_wire w;

	if (r)
		return r;
	assert_true(u->c->in_len <= size);
	bfs_wire_init(&w, u->in, u->c->in_len);
	while (w.pos < w.end) {
		struct bfs_dirent d;

		assert_int_equal(bfs_dirent_get(&w, &d), 0);
		assert_true(d.cursor > *cursor && d.cursor < 1ull << 63);
		*cursor = d.cursor;
		each(arg, &d);
	}
	*eof = rep.eof;
	return 0;
}

static int read_page(struct fs_unit *u, struct bfs_handle h, uint64_t *cursor,
		     uint32_t size, each_fn *each, void *arg, uint32_t *eof)
{
	return read_page_as(u, h, 0, cursor, size, each, arg, eof);
}

static struct bfs_handle open_dir(struct fs_unit *u, const char *path)
{
	struct bfs_open_rep rep;

	assert_int_equal(u_open(u, path, O_RDONLY | O_DIRECTORY, 0, &rep), 0);
	assert_int_equal(rep.kind, BFS_OPEN_DIR);
	return rep.handle;
}

/* Files are numbers; how often each was seen. */
#define NFILES 2000
struct tally {
	unsigned dots, seen[2 * NFILES];
};

static void count(void *arg, const struct bfs_dirent *d)
{
	struct tally *t = arg;
	char name[16];
	int n;

	snprintf(name, sizeof(name), "%.*s", (int)d->name.len, d->name.ptr);
	if (name[0] == '.')
		t->dots++;
	else if (sscanf(name, "%d", &n) == 1)
		t->seen[n]++;
}

static void make_file(struct fs_unit *u, int n)
{
	char name[16];

	snprintf(name, sizeof(name), "%d", n);
	assert_int_equal(u_symlink(u, "x", name), 0);
}

static void remove_file(struct fs_unit *u, int n)
{
	char name[16];

	snprintf(name, sizeof(name), "%d", n);
	assert_int_equal(u_unlink(u, name), 0);
}

/* Between pages: one of the odd goes, a new one comes. */
static void read_under_change(struct fs_unit *u, uint32_t page)
{
	struct tally *t = calloc(1, sizeof(*t));
	uint64_t cursor = 0;
	uint32_t eof = 0;
	int odd = 1, fresh = NFILES;

	assert_non_null(t);
	for (int n = 0; n < NFILES; n++)
		make_file(u, n);
	while (!eof) {
		assert_int_equal(
			read_page(u, u->root, &cursor, page, count, t, &eof),
			0);
		if (odd < NFILES) {
			remove_file(u, odd);
			make_file(u, fresh++);
			odd += 2;
		}
	}
	assert_int_equal(t->dots, 2);
	for (int n = 0; n < NFILES; n += 2)
		assert_int_equal(t->seen[n], 1);
	for (int n = 0; n < 2 * NFILES; n++)
		assert_true(t->seen[n] <= 1);
	free(t);
}

static void test_under_change(void **state)
{
	struct fs_unit *u = *state;

	u->root = open_dir(u, "/");
	read_under_change(u, 4096);
}

/* Names of equal hash stay apart, and keep their cursors. */
static void test_collisions(void **state)
{
	struct fs_unit *u = *state;
	char name[16];
	int n, r = 0;

	u->fs->hash_mask = 63;
	u->root = open_dir(u, "/");
	read_under_change(u, 600);
	/* One hash for all: 256 of them, and then an honest no. */
	assert_int_equal(u_mkdir(u, "d", 0755), 0);
	u->at = open_dir(u, "d");
	u->fs->hash_mask = 0;
	for (n = 0; !r && n < 300; n++) {
		snprintf(name, sizeof(name), "%d", n);
		r = u_symlink(u, "x", name);
	}
	assert_int_equal(r, -ENOSPC);
	assert_int_equal(n, 257);
	remove_file(u, 77);
	make_file(u, 256);
	for (n = 0; n < 257; n++)
		if (n != 77)
			remove_file(u, n);
	assert_null(bfs_dir_after(bfs_inode_of(u->fs, u->at), 0));
}

static void keep_last(void *arg, const struct bfs_dirent *d)
{
	*(struct bfs_attr *)arg = d->attr;
}

/* Field by field: structures have holes. */
static void assert_same_attr(struct bfs_attr a, struct bfs_attr b)
{
	uint8_t as[128] = { 0 }, bs[128] = { 0 };
	struct bfs_wire w;

	bfs_wire_init(&w, as, sizeof(as));
	bfs_put_attr(&w, a);
	assert_int_equal(bfs_wire_end(&w), 0);
	bfs_wire_init(&w, bs, sizeof(bs));
	bfs_put_attr(&w, b);
	assert_memory_equal(as, bs, sizeof(as));
}

static void test_readdir(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_handle dir, file, path;
	struct bfs_open_rep rep;
	struct bfs_attr a, b;
	uint64_t cursor = BFS_CURSOR_DOTDOT;
	uint32_t eof;

	assert_int_equal(u_mkdir(u, "d", 0744), 0);
	dir = open_dir(u, "d");
	assert_int_equal(u_open(u, "d", O_PATH, 0, &rep), 0);
	path = rep.handle;
	u->at = dir;
	assert_int_equal(u_open(u, "f", O_CREAT | O_RDWR, 0640, &rep), 0);
	file = rep.handle;
	assert_int_equal(write(u->c->pass_fd, "xyz", 3), 3);

	assert_int_equal(read_page(u, dir, &cursor, 4096, keep_last, &a, &eof),
			 0);
	assert_int_equal(eof, 1);
	assert_int_equal(u_stat(u, "f", &b), 0);
	assert_same_attr(a, b);
	assert_int_equal(a.size, 3);
	/* Behind the last there is nothing. */
	assert_int_equal(read_page(u, dir, &cursor, 4096, keep_last, &a, &eof),
			 0);
	assert_int_equal(eof, 1);
	assert_int_equal(u->c->in_len, 0);

	cursor = 0;
	assert_int_equal(read_page(u, dir, &cursor, 100, keep_last, &a, &eof),
			 -EINVAL);
	assert_int_equal(read_page(u, file, &cursor, 4096, keep_last, &a, &eof),
			 -ENOTDIR);
	assert_int_equal(read_page(u, path, &cursor, 4096, keep_last, &a, &eof),
			 -EBADF);
	/* ".." of a directory is its parent, of the root the root. */
	cursor = BFS_CURSOR_DOT;
	assert_int_equal(read_page(u, dir, &cursor, 112, keep_last, &a, &eof),
			 0);
	assert_int_equal(a.ino, 1);
	u->at = u->root;
	cursor = BFS_CURSOR_DOT;
	assert_int_equal(read_page(u, open_dir(u, "/"), &cursor, 112, keep_last,
				   &a, &eof),
			 0);
	assert_int_equal(a.ino, 1);

	/* r without x shows names and types, not attributes. */
	u_as(u, 4242, 4242);
	cursor = BFS_CURSOR_DOTDOT;
	assert_int_equal(read_page(u, dir, &cursor, 4096, keep_last, &a, &eof),
			 0);
	assert_int_equal(a.ino, b.ino);
	assert_int_equal(a.mode, S_IFREG);
	assert_int_equal(a.nlink, 0);

	u_as(u, geteuid(), getegid());
	assert_int_equal(u_unlink(u, "d/f"), 0);
	assert_int_equal(u_rmdir(u, "d"), 0);
	assert_int_equal(read_page(u, dir, &cursor, 4096, keep_last, &a, &eof),
			 -ENOENT);
}

static void test_readdir_of_names(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_handle dir;
	struct bfs_attr a, b;
	uint64_t cursor = BFS_CURSOR_DOTDOT;
	uint32_t eof;

	assert_int_equal(u_mkdir(u, "d", 0755), 0);
	assert_int_equal(u_open(u, "d/f", O_CREAT | O_RDWR, 0640, NULL), 0);
	dir = open_dir(u, "d");
	assert_int_equal(u_stat(u, "d/f", &b), 0);
	assert_int_equal(read_page_as(u, dir, BFS_READDIR_NAMES, &cursor, 4096,
				      keep_last, &a, &eof),
			 0);
	assert_int_equal(eof, 1);
	assert_int_equal(a.ino, b.ino);
	assert_int_equal(a.mode, S_IFREG);
	assert_int_equal(a.nlink, 0);
}

static void path_of(struct fs_unit *u, struct bfs_handle h, char *buf,
		    size_t cap)
{
	struct bfs_getpath_req req = { .at = h };
	struct bfs_getpath_rep rep;
	int r = bfs_serve_getpath(u->c, &req, &rep);

	if (r)
		snprintf(buf, cap, "%d", r);
	else
		snprintf(buf, cap, "%.*s", (int)rep.path.len, rep.path.ptr);
}

static void test_getpath(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_open_rep rep;
	struct bfs_handle d;
	char buf[64];

	path_of(u, u->root, buf, sizeof(buf));
	assert_string_equal(buf, "/");
	assert_int_equal(u_mkdir(u, "a", 0755), 0);
	assert_int_equal(u_mkdir(u, "a/b", 0755), 0);
	d = open_dir(u, "a/b");
	path_of(u, d, buf, sizeof(buf));
	assert_string_equal(buf, "/a/b");
	assert_int_equal(u_rename(u, "a/b", "b2", 0), 0);
	path_of(u, d, buf, sizeof(buf));
	assert_string_equal(buf, "/b2");
	u->live_slots = 2;
	assert_int_equal(u_open_slot(u, "b2/f", O_CREAT, 0600, 1, &rep), 0);
	assert_int_equal(u_link(u, "b2/f", "g", 0), 0);
	path_of(u, rep.handle, buf, sizeof(buf));
	assert_string_equal(buf, "/b2/f");
	assert_int_equal(u_unlink(u, "b2/f"), 0);
	path_of(u, rep.handle, buf, sizeof(buf));
	assert_string_equal(buf, "/g");
	assert_int_equal(u_rmdir(u, "b2"), 0);
	path_of(u, d, buf, sizeof(buf));
	assert_string_equal(buf, "-2"); /* ENOENT */
	d.mac ^= 1;
	path_of(u, d, buf, sizeof(buf));
	assert_string_equal(buf, "-116"); /* ESTALE */
}

#define FS_TEST(t) \
	cmocka_unit_test_setup_teardown(t, fs_unit_setup, fs_unit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FS_TEST(test_under_change), FS_TEST(test_collisions),
		FS_TEST(test_readdir),	    FS_TEST(test_readdir_of_names),
		FS_TEST(test_getpath),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
