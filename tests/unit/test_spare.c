/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Data files that are made ahead of their inodes (server/spare.h), and those
 * that are removed behind theirs (server/removals.c): nobody sees either.
 */
#include "tests/unit/journal_unit.h"

#include "core/util.h"
#include "server/loop.h"
#include "server/server.h"
#include "server/statfs.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned files;

static int count(const char *path, const struct stat *st, int type)
{
	files += S_ISREG(st->st_mode);
	return 0;
}

/* Data files that there are. */
static unsigned data_files(const struct fs_unit *u)
{
	char path[100];

	files = 0;
	snprintf(path, sizeof(path), "%s/data", u->data);
	assert_int_equal(ftw(path, count, 8), 0);
	return files;
}

static void create(struct fs_unit *u, const char *name, unsigned mode)
{
	struct bfs_open_rep rep;

	assert_int_equal(
		u_open_slot(u, name, O_CREAT | O_EXCL | O_RDWR, mode, 3, &rep),
		0);
	assert_int_equal(rep.kind, BFS_OPEN_PASS);
	close(u_take_fd(u));
}

/* As in a stream of creations, however slow the machine is. */
static void stream(struct fs_unit *u)
{
	u->fs->spares.want = BFS_SPARES;
	while (bfs_spare_make(u->fs))
		;
	assert_int_equal(u->fs->spares.n, BFS_SPARES);
}

static void create_many(struct fs_unit *u, unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%u", i);
		stream(u);
		create(u, name, i & 1 ? 0644 : 0755);
	}
}

static bool earlier(struct timespec a, struct timespec b)
{
	return a.tv_sec < b.tv_sec ||
	       (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

static void check_all(struct fs_unit *u, unsigned n)
{
	uint64_t seen[100];

	for (unsigned i = 0; i < n; i++) {
		char name[16];
		struct bfs_attr a;

		snprintf(name, sizeof(name), "f%u", i);
		assert_int_equal(u_stat(u, name, &a), 0);
		assert_int_equal(a.mode & 07777, i & 1 ? 0644 : 0755);
		assert_int_equal(a.size, 0);
		for (unsigned k = 0; k < i; k++)
			assert_int_not_equal(seen[k], a.ino);
		seen[i] = a.ino;
	}
}

static void test_stream(void **state)
{
	struct fs_unit *u = *state;

	create_many(u, 0, 60);
	check_all(u, 60);
	stream(u);
	bfs_spare_drop(u->fs);
	assert_int_equal(data_files(u), 60);
	/* after a restart too */
	create_many(u, 60, 5);
	u_turn(u);
	bfs_fs_free(u->fs);
	assert_int_equal(fs_unit_restart(u), 0);
	check_all(u, 65);
	assert_int_equal(data_files(u), 65);
}

/* Only while they come one after the other. */
static void test_single(void **state)
{
	struct fs_unit *u = *state;
	uint64_t end = bfs_now() + 30000000000ull;

	for (unsigned i = 0; i < 5; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%u", i);
		u->fs->spares.created = 0; /* long ago */
		create(u, name, 0644);
		assert_false(bfs_spare_make(u->fs));
		assert_int_equal(u->fs->spares.n, 0);
	}
	do {
		create(u, "g", 0644);
		bfs_spare_make(u->fs);
		assert_int_equal(u_unlink(u, "g"), 0);
	} while (!u->fs->spares.n && bfs_now() < end);
	assert_true(u->fs->spares.n > 0);
}

/* A kill leaves them, and no number is used twice (S4). */
static void test_kill(void **state)
{
	struct fs_unit *u = *state;

	create_many(u, 0, 10);
	stream(u);
	u_turn(u);
	u->fs->spares.n = 0;
	assert_int_equal(data_files(u), 10 + BFS_SPARES);
	assert_int_equal(u_kill_and_start(u), 0);
	assert_int_equal(data_files(u), 10);
	create_many(u, 10, 10);
	check_all(u, 20);
}

/* A file's times are those of its creation (S1), whenever it was made. */
static void test_times(void **state)
{
	struct fs_unit *u = *state;
	struct timespec made, now;
	struct bfs_attr a;

	create_many(u, 0, 10);
	stream(u);
	made = bfs_fs_now(u->fs);
	do
		now = bfs_fs_now(u->fs);
	while (!earlier(made, now));
	create(u, "late", 0644);
	assert_int_equal(u_stat(u, "late", &a), 0);
	for (unsigned n = 0; n < 3; n++) {
		struct bfs_time t = n == 0   ? a.atime
				    : n == 1 ? a.mtime
					     : a.ctime;

		assert_false(earlier((struct timespec){ t.sec, t.nsec }, now));
	}
}

/* Directories and links between them; what is made fails. */
static void test_between(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_attr a, b;

	create_many(u, 0, 6);
	stream(u);
	assert_int_equal(u_mkdir(u, "d", 0755), 0);
	assert_int_equal(u_symlink(u, "f1", "l"), 0);
	assert_int_equal(u_mknod(u, "p", S_IFIFO | 0600, 0), 0);
	create_many(u, 6, 6);
	check_all(u, 12);
	assert_int_equal(u_lstat(u, "d", &a), 0);
	assert_int_equal(u_lstat(u, "p", &b), 0);
	assert_int_not_equal(a.ino, b.ino);
	assert_true(S_ISFIFO(b.mode));
	stream(u);
	assert_int_equal(u_open(u, "d", O_CREAT | O_EXCL | O_RDWR, 0644, NULL),
			 -EEXIST);
	bfs_spare_drop(u->fs);
	assert_int_equal(data_files(u), 12);
}

/* Without a loop there is no later. */
static void with_loop(struct fs_unit *u)
{
	u->server->loop = bfs_loop_new(0);
	assert_non_null(u->server->loop);
	bfs_journal_attach(u->fs->journal, u->server);
}

static void without_loop(struct fs_unit *u)
{
	bfs_fs_free(u->fs);
	bfs_loop_free(u->server->loop);
	u->server->loop = NULL;
	assert_int_equal(fs_unit_restart(u), 0);
}

static void unlink_all(struct fs_unit *u, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%u", i);
		assert_int_equal(u_unlink(u, name), 0);
		u_turn(u);
	}
}

static void test_removed(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_statfs_rep rep;
	uint64_t disk;

	with_loop(u);
	create_many(u, 0, 20);
	u_turn(u);
	bfs_spare_drop(u->fs);
	unlink_all(u, 20);
	assert_int_equal(data_files(u), 20);
	/* no time, time for one, for all */
	assert_true(bfs_removals_idle(u->fs->journal, 0));
	assert_int_equal(data_files(u), 20);
	assert_true(bfs_removals_idle(u->fs->journal, 1000000));
	assert_int_equal(data_files(u), 19);
	while (bfs_removals_idle(u->fs->journal, BFS_LOOP_SLEEPS))
		;
	assert_int_equal(data_files(u), 0);
	/* their space is free for who asks */
	create_many(u, 0, 20);
	u_turn(u);
	bfs_spare_drop(u->fs);
	unlink_all(u, 20);
	assert_int_equal(bfs_statfs_here(u->fs, &rep, &disk), 0);
	assert_int_equal(data_files(u), 0);
	without_loop(u);
}

/* Who writes next may want their space (D4). */
static void test_content(void **state)
{
	struct fs_unit *u = *state;

	with_loop(u);
	create_many(u, 0, 4);
	bfs_spare_drop(u->fs);
	u_append(u, "f1", "text");
	u_turn(u);
	unlink_all(u, 4);
	assert_int_equal(data_files(u), 3);
	without_loop(u);
}

/* There is never time: they go all the same. */
static void test_busy(void **state)
{
	struct fs_unit *u = *state;
	uint64_t end = bfs_now() + 30000000000ull;

	with_loop(u);
	create_many(u, 0, 20);
	u_turn(u);
	bfs_spare_drop(u->fs);
	unlink_all(u, 20);
	while (data_files(u) && bfs_now() < end)
		assert_true(bfs_loop_turn(u->server->loop) >= 0);
	assert_int_equal(data_files(u), 0);
	without_loop(u);
}

/* The daemon stops, or is killed, with some left. */
static void test_left(void **state)
{
	struct fs_unit *u = *state;

	for (int kill = 0; kill < 2; kill++) {
		with_loop(u);
		create_many(u, 0, 20);
		u_turn(u);
		bfs_spare_drop(u->fs);
		unlink_all(u, 20);
		if (kill) {
			u->fs->journal->due.n = 0;
			u_kill(u);
			assert_int_equal(data_files(u), 20);
		} else {
			bfs_fs_free(u->fs);
			assert_int_equal(data_files(u), 0);
		}
		bfs_loop_free(u->server->loop);
		u->server->loop = NULL;
		assert_int_equal(fs_unit_restart(u), 0);
		assert_int_equal(data_files(u), 0);
	}
}

#define TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, journal_unit_setup, \
					fs_unit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_stream),  TEST(test_single),	TEST(test_kill),
		TEST(test_times),   TEST(test_between), TEST(test_removed),
		TEST(test_content), TEST(test_busy),	TEST(test_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
