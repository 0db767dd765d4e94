/* SPDX-License-Identifier: BSD-3-Clause */
/* The file system's first promises, call by call. */
#include "tests/unit/fs_unit.h"

#include "core/siphash.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The vectors of the paper's reference: key 00..0f, message 00, 00 01, ... */
static void test_siphash(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} cases[] = {
		{ 0, 0x726fdb47dd0e0e31 },
		{ 8, 0x93f5f5799a932462 },
		{ 15, 0xa129ca6149be45e5 },
	};
	uint8_t key[16], text[16];

	for (uint8_t n = 0; n < 16; n++)
		key[n] = text[n] = n;
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++)
		assert_true(bfs_siphash(key, text, cases[n].len) ==
			    cases[n].hash);
}

static void test_root(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_attr a;

	assert_int_equal(u_stat(u, "/", &a), 0);
	assert_int_equal(a.ino, 1);
	assert_int_equal(a.nlink, 2);
	assert_int_equal(a.mode, S_IFDIR | 0777);
	assert_int_equal(u_stat(u, "/..", &a), -(int)BFS_ESCAPE);
	assert_int_equal(u->c->escape.up, 1);
	assert_int_equal(u->c->escape.path.len, 0);
}

/* A passed descriptor is the file, with the flags of its open. */
static void test_pass(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_open_rep rep;
	struct bfs_attr a;
	struct stat st;
	int fd;

	assert_int_equal(
		u_open_slot(u, "f", O_CREAT | O_EXCL | O_RDWR, 0640, 3, &rep),
		0);
	assert_int_equal(rep.kind, BFS_OPEN_PASS);
	fd = u_take_fd(u);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "hello", 5), 5);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(rep.data_ino, st.st_ino);
	assert_int_equal(bfs_fs_data_dev(u->fs), st.st_dev);
	assert_int_equal(u_stat(u, "f", &a), 0);
	assert_int_equal(a.size, 5);
	assert_int_equal(a.mode, S_IFREG | 0640);
	assert_int_equal(a.mtime.sec, st.st_mtim.tv_sec);
	assert_true(bfs_fs_slot_locked(u->fs, a.ino, u->cred.uid, 3));
	assert_false(bfs_fs_slot_locked(u->fs, a.ino, u->cred.uid, 4));
	close(fd);
	assert_false(bfs_fs_slot_locked(u->fs, a.ino, u->cred.uid, 3));

	assert_int_equal(u_open(u, "f", O_WRONLY | O_APPEND, 0, &rep), 0);
	fd = u_take_fd(u);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND),
			 O_WRONLY | O_APPEND);
	close(fd);
	assert_int_equal(u_open(u, "f", O_CREAT | O_EXCL, 0600, &rep), -EEXIST);
	assert_int_equal(u_open(u, "f", O_RDWR | O_TRUNC, 0, &rep), 0);
	assert_int_equal(rep.attr.size, 0);
}

/* A handle opens what it says, and only that (RULES 33). */
static void test_handle(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_open_rep rep;
	struct bfs_handle h;
	struct bfs_attr a;

	assert_int_equal(u_open_slot(u, "f", O_CREAT, 0600, 0, &rep), 0);
	h = rep.handle;
	assert_int_equal(u_hstat(u, h, &a), 0);
	h.rights |= BFS_RIGHT_WRITE;
	assert_int_equal(u_hstat(u, h, &a), -ESTALE);
	h = rep.handle;
	h.ino++;
	assert_int_equal(u_hstat(u, h, &a), -ESTALE);
	h = rep.handle;
	h.mac++;
	assert_int_equal(u_hstat(u, h, &a), -ESTALE);
	assert_int_equal(bfs_fs_check(u->fs, h), -ESTALE);
	assert_int_equal(bfs_fs_check(u->fs, rep.handle), 0);
}

/* A file lives on without a name until its last description is closed. */
static void test_orphan(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_open_rep rep;
	struct bfs_attr a;
	char buf[4];
	int fd;

	assert_int_equal(u_open_slot(u, "f", O_CREAT | O_RDWR, 0600, 9, &rep),
			 0);
	fd = u_take_fd(u);
	assert_int_equal(write(fd, "abc", 3), 3);
	assert_int_equal(u_unlink(u, "f"), 0);
	assert_int_equal(u_stat(u, "f", &a), -ENOENT);
	assert_true(bfs_fs_sweep(u->fs));
	assert_int_equal(u_hstat(u, rep.handle, &a), 0);
	assert_int_equal(a.nlink, 0);
	assert_int_equal(a.size, 3);
	assert_int_equal(pread(fd, buf, 3, 0), 3);
	close(fd);
	assert_false(bfs_fs_sweep(u->fs));
	assert_int_equal(u_hstat(u, rep.handle, &a), -ESTALE);
}

/* The same for a description that is served by the daemon. */
static void test_orphan_slot(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_open_rep rep;
	struct bfs_attr a;

	u->live_slots = 10;
	assert_int_equal(u_mkdir(u, "d", 0755), 0);
	assert_int_equal(u_open_slot(u, "d", O_DIRECTORY, 0, 9, &rep), 0);
	assert_int_equal(u_rmdir(u, "d"), 0);
	assert_int_equal(u_hstat(u, rep.handle, &a), 0);
	assert_int_equal(a.nlink, 0);
	u->at = rep.handle;
	assert_int_equal(u_mkdir(u, "x", 0755), -ENOENT);
	assert_int_equal(u_open(u, "x", O_CREAT, 0600, NULL), -ENOENT);
	assert_int_equal(u_stat(u, "..", &a), 0);
	assert_int_equal(a.ino, 1);
	u->live_slots = 9;
	assert_false(bfs_fs_sweep(u->fs));
	assert_int_equal(u_hstat(u, rep.handle, &a), -ESTALE);
}

static bool slot_current(void *arg, uint32_t uid, uint32_t slot, uint32_t gen)
{
	return slot < ((const struct fs_unit *)arg)->live_slots;
}

/*
 * Of the one description of a passed-through file its record tells that it is
 * gone; of several, or while the record is used, the locks do (S5).
 */
static void test_passed_record(void **state)
{
	static const struct {
		unsigned opens, live;
		int kept;
	} cases[] = { { 1, 10, 0 }, { 1, 0, -ESTALE }, { 2, 0, 0 } };
	struct fs_unit *u = *state;
	struct bfs_open_rep rep;
	struct bfs_attr a;

	u->fs->conf.slot_current = slot_current;
	for (unsigned n = 0; n < 3; n++) {
		int fd[2] = { -1, -1 };

		u->live_slots = 10;
		for (unsigned i = 0; i < cases[n].opens; i++) {
			assert_int_equal(u_open_slot(u, "f", O_CREAT | O_RDWR,
						     0644, 3 + i, &rep),
					 0);
			assert_int_equal(rep.kind, BFS_OPEN_PASS);
			fd[i] = u_take_fd(u);
		}
		u->live_slots = cases[n].live;
		assert_int_equal(u_unlink(u, "f"), 0);
		assert_int_equal(u_hstat(u, rep.handle, &a), cases[n].kept);
		for (unsigned i = 0; i < cases[n].opens; i++)
			close(fd[i]);
		u->live_slots = 0;
		assert_false(bfs_fs_sweep(u->fs));
		assert_int_equal(u_hstat(u, rep.handle, &a), -ESTALE);
	}
}

/* A working directory has no slot, and is kept all the same. */
static void test_held_directory(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_open_rep rep;
	struct bfs_attr a;

	assert_int_equal(u_mkdir(u, "d", 0755), 0);
	assert_int_equal(u_open(u, "d", O_PATH, 0, &rep), 0);
	assert_int_equal(u_rmdir(u, "d"), 0);
	assert_false(bfs_fs_sweep(u->fs));
	assert_int_equal(u_hstat(u, rep.handle, &a), 0);
	assert_int_equal(a.nlink, 0);
}

/* The clearing of set-id bits by the kernel on a passed fd shows (R12). */
static void test_setid_lost(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_attr a;
	char path[128];
	int fd;

	u->live_slots = 0;
	assert_int_equal(u_open(u, "f", O_CREAT | O_RDWR, 0755, NULL), 0);
	fd = u_take_fd(u); /* that is written to */
	assert_int_equal(u_chmod(u, "f", 06755), 0);
	assert_int_equal(u_stat(u, "f", &a), 0);
	assert_int_equal(a.mode & 07777, 06755);
	/* As the kernel does it to a write of another user. */
	snprintf(path, sizeof(path), "%s/data/%02x/%016lx", u->data,
		 (unsigned)(a.ino & 0xff), a.ino);
	assert_int_equal(chmod(path, 0711), 0);
	assert_int_equal(u_stat(u, "f", &a), 0);
	assert_int_equal(a.mode & 07777, 0755);
	close(fd);
}

/* ... and one that is left is no reason for another ctime (S1). */
static void test_setid_left(void **state)
{
	struct fs_unit *u = *state;
	struct timespec then;
	struct bfs_attr a, b;
	char path[128];
	int fd;

	u->live_slots = 0;
	assert_int_equal(u_open(u, "f", O_CREAT | O_RDWR, 0700, NULL), 0);
	fd = u_take_fd(u); /* it is not calm */
	assert_int_equal(u_chmod(u, "f", 06700), 0);
	assert_int_equal(u_stat(u, "f", &a), 0);
	snprintf(path, sizeof(path), "%s/data/%02x/%016lx", u->data,
		 (unsigned)(a.ino & 0xff), a.ino);
	assert_int_equal(chmod(path, 02700), 0);
	then = bfs_fs_now(u->fs);
	while (bfs_fs_now(u->fs).tv_nsec == then.tv_nsec)
		;
	assert_int_equal(u_stat(u, "f", &a), 0);
	assert_int_equal(a.mode & 07777, 02700);
	assert_int_equal(u_stat(u, "f", &b), 0);
	assert_int_equal(a.ctime.sec, b.ctime.sec);
	assert_int_equal(a.ctime.nsec, b.ctime.nsec);
	close(fd);
}

#define FS_TEST(t) \
	cmocka_unit_test_setup_teardown(t, fs_unit_setup, fs_unit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash),
		FS_TEST(test_root),
		FS_TEST(test_pass),
		FS_TEST(test_handle),
		FS_TEST(test_orphan),
		FS_TEST(test_orphan_slot),
		FS_TEST(test_passed_record),
		FS_TEST(test_held_directory),
		FS_TEST(test_setid_lost),
		FS_TEST(test_setid_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
