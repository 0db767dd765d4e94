/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random calls, a frame each.  After each of them the data directory is
 * copied, as a kill would leave it there, and a daemon that starts on the copy
 * must serve what was acknowledged; with half of the next frame too.
 */
#include "tests/unit/journal_unit.h"

#include "core/log.h"
#include "core/util.h"
#include "server/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEPS 150

static uint64_t seed;

static uint32_t any(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % below;
}

static const char *any_path(void)
{
	static const char *const paths[] = {
		"/a",	"/b",	"/c",	  "/d",	    "/d/a",
		"/d/b", "/d/e", "/d/e/a", "/d/e/b",
	};

	return paths[any(BFS_COUNT(paths))];
}

static const char *any_attribute(void)
{
	static const char *const names[] = { "user.a", "user.b" };

	return names[any(2)];
}

/* Whether it works or not: what it does is in the dump. */
static void step(struct fs_unit *u)
{
	static const struct bfs_setattr_req times = { .mtime = { 1000000, 5 } };
	const char *path = any_path(), *to = any_path();
	struct bfs_open_rep rep;
	int r;

	switch (any(12)) {
	case 0:
	case 1:
		r = u_open(u, path, O_CREAT | O_WRONLY | O_APPEND, 0644, &rep);
		if (!r && u->c->pass_fd >= 0 &&
		    write(u->c->pass_fd, "text", any(4) + 1) < 1)
			fail();
		break;
	case 2:
		u_mkdir(u, path, 0755);
		break;
	case 3: /* most names are below these */
		u_unlink(u, "/d");
		u_mkdir(u, any(2) ? "/d" : "/d/e", 0755);
		break;
	case 4:
		u_unlink(u, path);
		break;
	case 5:
		u_rmdir(u, path);
		break;
	case 6:
		u_rename(u, path, to, any(3) ? 0 : 2 /* exchange */);
		break;
	case 7:
		u_link(u, path, to, 0);
		break;
	case 8:
		u_unlink(u, "/c");
		u_symlink(u, to, "/c");
		break;
	case 9:
		if (any(2))
			u_chmod(u, path, any(01000));
		else
			u_setattr(u, path, BFS_SET_MTIME, times);
		break;
	case 10:
		if (any(3))
			u_setxattr(u, path, any_attribute(), to);
		else
			u_removexattr(u, path, any_attribute());
		break;
	default:
		u_truncate(u, path, any(100));
	}
	if (u->c->pass_fd >= 0)
		close(u_take_fd(u));
}

static void copy(const char *from, const char *to)
{
	char cmd[400];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s' && cp -a '%s' '%s'", to, from,
		 to);
	assert_int_equal(system(cmd), 0);
}

/* What a daemon on that directory serves. */
static char *served(struct fs_unit *u, const char *dir)
{
	struct fs_unit other = *u;
	struct bfs_server server = { 0 };
	char *text;

	other.conf.data_dir = dir;
	other.server = &server;
	assert_int_equal(fs_unit_restart(&other), 0);
	text = u_dump(&other);
	u_kill(&other);
	return text;
}

static off_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* The copy of before, with part of the frame that came then. */
static void tear(struct fs_unit *u, const char *dir, off_t was)
{
	char from[256], to[256], cmd[600];
	off_t now;

	u_log_path(u->data, from, sizeof(from));
	u_log_path(dir, to, sizeof(to));
	now = size_of(from);
	if (now == was)
		return; /* it failed, so nothing was written */
	snprintf(cmd, sizeof(cmd), "cp -a '%s' '%s'", from, to);
	assert_int_equal(system(cmd), 0);
	assert_int_equal(
		truncate(to, was + 1 + (off_t)any((uint32_t)(now - was) - 1)),
		0);
}

static void test_model(void **state)
{
	struct fs_unit *u = *state;
	char whole[128], torn[128], log[256];
	unsigned changed = 0;

	snprintf(whole, sizeof(whole), "%s/whole", u->dir);
	snprintf(torn, sizeof(torn), "%s/torn", u->dir);
	for (int n = 0; n < STEPS; n++) {
		char *before = u_dump(u), *after, *got;
		off_t was;

		u_log_path(u->data, log, sizeof(log));
		was = size_of(log);
		copy(u->data, torn);
		step(u);
		u_turn(u);
		after = u_dump(u);
		changed += strcmp(before, after) != 0;
		copy(u->data, whole);
		got = served(u, whole);
		assert_string_equal(after, got);
		free(got);
		tear(u, torn, was);
		got = served(u, torn);
		assert_string_equal(before, got);
		free(got);
		free(before);
		free(after);
		if (n % 50 == 49) /* and go on from what was read */
			assert_int_equal(u_kill_and_start(u), 0);
	}
	printf("%u of %d calls changed something\n", changed, STEPS);
	assert_true(changed > STEPS / 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_model, journal_unit_setup,
						fs_unit_teardown),
	};
	const char *given = getenv("BENCHFS_TEST_SEED");
	struct timespec t;

	/* it is not about the disk, and syncs there all the time */
	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 1);
	clock_gettime(CLOCK_REALTIME, &t);
	seed = given ? strtoull(given, NULL, 10) : (uint64_t)t.tv_nsec + 1;
	printf("BENCHFS_TEST_SEED=%llu\n", (unsigned long long)seed);
	bfs_log_max = BFS_LOG_error; /* torn tails are told as warnings */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
