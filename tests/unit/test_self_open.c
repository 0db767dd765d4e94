/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Data files that clients open themselves (BFS_OPEN_SELF): between the answer
 * and their life lock the file is as open as behind it (S5).
 */
#include "tests/unit/fs_unit.h"

#include "server/data.h"
#include "server/passing.h"
#include "server/server.h"
#include "server/session.h"

#include <errno.h>
#include <string.h>

static struct bfs_session session;
static uint32_t making;	 /* slots below have no description yet */
static uint32_t current; /* slots below are in use */

static bool slot_making(void *arg, uint32_t uid, uint32_t slot, uint32_t gen)
{
	return slot < making;
}

static bool slot_current(void *arg, uint32_t uid, uint32_t slot, uint32_t gen)
{
	return slot < current;
}

static int setup(void **state)
{
	struct fs_unit *u;

	if (fs_unit_setup(state))
		return -1;
	u = *state;
	u->fs->conf.slot_making = slot_making;
	u->fs->conf.slot_current = slot_current;
	session = (struct bfs_session){ .opens = true };
	u->c->session = &session;
	making = current = 100;
	return 0;
}

/* What the client does when it was told so.  The descriptor. */
static int open_it(struct fs_unit *u, const struct bfs_open_rep *rep, int flags,
		   uint32_t slot)
{
	char name[BFS_DATA_NAME_LEN];
	int fd;

	bfs_data_name(name, rep->handle.ino);
	fd = openat(bfs_fs_data_fd(u->fs, u->cred.uid), name, flags);
	assert_true(fd >= 0);
	assert_true(bfs_passing_lock(fd, u->cred.uid, slot, flags, 0));
	return fd;
}

static struct bfs_open_rep told(struct fs_unit *u, int flags, uint32_t slot)
{
	struct bfs_open_rep rep;

	assert_int_equal(u_open_slot(u, "f", flags, 0640, slot, &rep), 0);
	assert_int_equal(rep.kind, BFS_OPEN_SELF);
	assert_int_equal(u_take_fd(u), -1);
	return rep;
}

static int kept(struct fs_unit *u, const struct bfs_open_rep *rep)
{
	struct bfs_attr a;

	bfs_fs_sweep(u->fs);
	return u_hstat(u, rep->handle, &a);
}

static void test_open(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_open_rep rep = told(u, O_CREAT | O_EXCL | O_WRONLY, 3);
	struct bfs_attr a;
	int fd = open_it(u, &rep, O_WRONLY, 3);

	making = 0;
	assert_int_equal(write(fd, "hello", 5), 5);
	assert_int_equal(u_stat(u, "f", &a), 0);
	assert_int_equal(a.size, 5);
	assert_int_equal(a.mode, S_IFREG | 0640);
	assert_true(bfs_fs_slot_locked(u->fs, a.ino, u->cred.uid, 3));
	close(fd);
}

/* Unlinked before the client has come to open it. */
static void test_unlinked_before(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_open_rep rep = told(u, O_CREAT | O_RDWR, 3);
	int fd;

	assert_int_equal(u_unlink(u, "f"), 0);
	assert_int_equal(kept(u, &rep), 0);
	fd = open_it(u, &rep, O_RDWR, 3);
	making = 0;
	assert_int_equal(kept(u, &rep), 0);
	close(fd);
	current = 0;
	assert_int_equal(kept(u, &rep), -ESTALE);
}

/* The client was killed in between. */
static void test_never_opened(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_open_rep rep = told(u, O_CREAT | O_RDWR, 3);

	assert_int_equal(u_unlink(u, "f"), 0);
	assert_int_equal(kept(u, &rep), 0);
	making = current = 0;
	assert_int_equal(kept(u, &rep), -ESTALE);
}

/* Several at once: each of them counts. */
static void test_several(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_open_rep rep;
	int fd;

	told(u, O_CREAT | O_RDWR, 3);
	told(u, O_RDONLY, 4);
	rep = told(u, O_RDONLY, 5);
	assert_int_equal(u_unlink(u, "f"), 0);
	making = 4; /* 4 and 5 have been given up */
	assert_int_equal(kept(u, &rep), 0);
	fd = open_it(u, &rep, O_RDWR, 3);
	making = 0;
	assert_int_equal(kept(u, &rep), 0);
	close(fd);
	assert_int_equal(kept(u, &rep), -ESTALE);
}

/* Whether somebody is about to write decides about mappings elsewhere. */
static void test_to_write(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_open_rep rep = told(u, O_CREAT | O_RDONLY, 3);
	struct bfs_inode *i = bfs_inode_find(u->fs, rep.handle.ino);

	assert_true(bfs_orphan_making(u->fs, i, false));
	assert_false(bfs_orphan_making(u->fs, i, true));
	told(u, O_WRONLY, 4);
	assert_true(bfs_orphan_making(u->fs, i, true));
	making = 4;
	assert_false(bfs_orphan_making(u->fs, i, true));
	making = 0;
	assert_false(bfs_orphan_making(u->fs, i, false));
}

/* What is not the data file's own description, or is open already. */
static void test_not_told(void **state)
{
	static const int flags[] = { O_RDWR | O_TRUNC, O_RDONLY | O_DIRECT,
				     O_RDONLY | O_NOATIME };
	struct fs_unit *u = *state;
	struct bfs_open_rep rep;

	told(u, O_CREAT | O_RDWR, 3);
	for (unsigned n = 0; n < 3; n++) {
		int r = u_open_slot(u, "f", flags[n], 0, 4 + n, &rep);

		if (r == -EINVAL && flags[n] & O_DIRECT)
			continue; /* not every file system can */
		assert_int_equal(r, 0);
		assert_int_equal(rep.kind, BFS_OPEN_PASS);
	}
	bfs_fs_set_limit(u->fs, 1 << 20);
	making = current = 0;
	assert_int_equal(u_open_slot(u, "g", O_CREAT | O_RDWR, 0600, 9, &rep),
			 0);
	assert_int_equal(rep.kind, BFS_OPEN_FILE);
	session.opens = false;
	assert_int_equal(u_open_slot(u, "g", O_RDONLY, 0, 9, &rep), 0);
	assert_int_equal(rep.kind, BFS_OPEN_PASS);
}

static int take(struct fs_unit *u, struct bfs_handle h, int flags,
		struct bfs_take_rep *rep)
{
	struct bfs_take_req req = { .handle = h,
				    .oflags = (uint32_t)flags,
				    .arena_slot = 3 };

	return bfs_serve_take(u->c, &req, rep);
}

/* The client cannot: the daemon does, as far as the handle allows. */
static void test_take(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_open_rep rep = told(u, O_CREAT | O_WRONLY, 3);
	struct bfs_take_rep taken = { 0 };
	struct stat st;
	int fd;

	assert_int_equal(take(u, rep.handle, O_RDWR, &taken), -EBADF);
	assert_int_equal(u_chmod(u, "f", 0), 0);
	assert_int_equal(
		take(u, rep.handle, O_WRONLY | O_APPEND | O_TRUNC, &taken), 0);
	assert_int_equal(taken.kind, BFS_OPEN_PASS);
	fd = u_take_fd(u);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(taken.data_ino, st.st_ino);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND),
			 O_WRONLY | O_APPEND);
	assert_true(bfs_fs_slot_locked(u->fs, rep.handle.ino, u->cred.uid, 3));
	close(fd);
	/* and is not told so again */
	assert_int_equal(u_chmod(u, "f", 0644), 0);
	assert_int_equal(u_open_slot(u, "f", O_RDONLY, 0, 4, &rep), 0);
	assert_int_equal(rep.kind, BFS_OPEN_PASS);
}

#define SELF_TEST(t) cmocka_unit_test_setup_teardown(t, setup, fs_unit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SELF_TEST(test_open),	      SELF_TEST(test_unlinked_before),
		SELF_TEST(test_never_opened), SELF_TEST(test_several),
		SELF_TEST(test_to_write),     SELF_TEST(test_not_told),
		SELF_TEST(test_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
