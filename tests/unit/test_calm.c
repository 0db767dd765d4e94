/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files that nobody has open: stat need not look at the data file (server/
 * calm.h), and whatever changes it is seen all the same (S1, S8).
 */
#include "tests/unit/fs_unit.h"

#include "server/calm.h"
#include "server/dir.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static struct bfs_inode *file(struct fs_unit *u)
{
	struct bfs_attr a;

	assert_int_equal(u_stat(u, "f", &a), 0);
	return bfs_inode_find(u->fs, a.ino);
}

static int open_fd(struct fs_unit *u, int flags)
{
	struct bfs_open_rep rep;

	assert_int_equal(u_open_slot(u, "f", flags, 0644, 3, &rep), 0);
	assert_int_equal(rep.kind, BFS_OPEN_PASS);
	return u_take_fd(u);
}

/* No record tells: the kernel has to be asked. */
static bool slot_current(void *arg, uint32_t uid, uint32_t slot, uint32_t gen)
{
	return false;
}

static int setup(void **state)
{
	struct fs_unit *u;
	int fd;

	if (fs_unit_setup(state))
		return -1;
	u = *state;
	u->fs->conf.slot_current = slot_current;
	fd = open_fd(u, O_CREAT | O_RDWR);
	if (write(fd, "hello", 5) != 5 || close(fd))
		return -1;
	return 0;
}

static uint64_t size_of(struct fs_unit *u)
{
	struct bfs_attr a;

	assert_int_equal(u_stat(u, "f", &a), 0);
	assert_int_equal(a.blocks, a.size ? 8 : 0);
	return a.size;
}

/* Does the file system give leases at all? */
static bool becomes_calm(struct fs_unit *u)
{
	struct bfs_inode *i = file(u);

	return i->calm;
}

static void test_closed(void **state)
{
	struct fs_unit *u = *state;

	if (!becomes_calm(u))
		skip();
	assert_int_equal(size_of(u), 5);
	assert_true(file(u)->calm);
}

/* Nobody calls stat: it is found when there is time. */
static void test_later(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_inode *i;

	if (!becomes_calm(u))
		skip();
	close(open_fd(u, O_RDWR));
	i = bfs_dir_after(u->fs->root, 0)->to.inode;
	assert_false(i->calm);
	assert_true(bfs_fs_calm_waits(u->fs));
	while (bfs_fs_calm_some(u->fs))
		;
	assert_true(i->calm);
	assert_int_equal(size_of(u), 5);
}

/* So many have been opened that not all can be remembered. */
static void test_many(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_inode *i, other = { .mode = S_IFREG };

	if (!becomes_calm(u))
		skip();
	close(open_fd(u, O_RDWR));
	i = bfs_dir_after(u->fs->root, 0)->to.inode;
	for (unsigned n = 1; n <= 3 * BFS_CALMING; n++) {
		other.ino = i->ino + n;
		bfs_calm_later(u->fs, &other);
	}
	while (bfs_fs_calm_some(u->fs))
		;
	assert_true(i->calm);
	/* far from each other: none of them is looked for through all numbers
	 */
	for (unsigned n = 1; n <= 3 * BFS_CALMING; n++) {
		other.ino = i->ino + ((uint64_t)n << 24);
		bfs_calm_later(u->fs, &other);
	}
	for (unsigned n = 0; bfs_fs_calm_some(u->fs); n++)
		assert_in_range(n, 0, BFS_CALMING);
}

/* While it is open, by a descriptor or a mapping, each change is seen. */
static void test_open(void **state)
{
	struct fs_unit *u = *state;
	int fd = open_fd(u, O_RDWR);
	char *p;

	assert_false(file(u)->calm);
	assert_int_equal(pwrite(fd, "hello, world", 12, 0), 12);
	assert_int_equal(size_of(u), 12);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(p != MAP_FAILED);
	close(fd);
	for (int n = 0; n < 9; n++)
		assert_false(file(u)->calm);
	munmap(p, 4096);
	fd = open_fd(u, O_WRONLY | O_TRUNC);
	assert_int_equal(size_of(u), 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_int_equal(size_of(u), 1);
}

/* As long as a file can be here; with UBSan it shows how that is added to. */
static void test_longest(void **state)
{
	struct fs_unit *u = *state;
	uint64_t size = INT64_MAX;
	int fd = open_fd(u, O_RDWR);
	struct bfs_attr a;

	while (ftruncate(fd, (off_t)size))
		size /= 2;
	close(fd);
	for (int n = 0; n < 9; n++) {
		assert_int_equal(u_stat(u, "f", &a), 0);
		assert_true(a.size == size);
	}
}

/* What the daemon does itself. */
static void test_changed(void **state)
{
	struct bfs_setattr_req times = { .atime = { 5, 6 }, .mtime = { 7, 8 } };
	struct fs_unit *u = *state;
	struct bfs_attr a, b;

	for (int n = 0; n < 3; n++)
		assert_int_equal(size_of(u), 5);
	assert_int_equal(u_truncate(u, "f", 3), 0);
	assert_int_equal(size_of(u), 3);
	assert_int_equal(size_of(u), 3);
	assert_int_equal(
		u_setattr(u, "f", BFS_SET_ATIME | BFS_SET_MTIME, times), 0);
	assert_int_equal(u_stat(u, "f", &a), 0);
	assert_int_equal(a.mtime.sec, 7);
	assert_int_equal(a.atime.nsec, 6);
	assert_int_equal(u_stat(u, "f", &a), 0);
	assert_int_equal(u_chmod(u, "f", 0600), 0);
	assert_int_equal(u_stat(u, "f", &b), 0);
	assert_int_equal(b.mode & 07777, 0600);
	assert_int_equal(b.mtime.sec, 7);
	assert_true(b.ctime.sec > a.ctime.sec || b.ctime.nsec > a.ctime.nsec);
	assert_int_equal(u_link(u, "f", "g", 0), 0);
	assert_int_equal(u_stat(u, "g", &a), 0);
	assert_int_equal(a.nlink, 2);
}

#define CALM_TEST(t) cmocka_unit_test_setup_teardown(t, setup, fs_unit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CALM_TEST(test_closed),	 CALM_TEST(test_later),
		CALM_TEST(test_many),	 CALM_TEST(test_open),
		CALM_TEST(test_changed), CALM_TEST(test_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
