/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Segments that UCX's users have left behind: those of the dead go, and none
 * that a process has open or mapped, in whatever way (PITFALLS E7).
 */
#include "tests/unit/unit.h"

#include "core/util.h"
#include "server/ucx_left.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define SIZE 8192

struct fixture {
	char dir[64];
	int at;
};

/* On tmpfs if it can be, as the real one is. */
static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/dev/shm/bfs-left.XXXXXX");
	if (!mkdtemp(f->dir)) {
		snprintf(f->dir, sizeof(f->dir), "./bfs-left.XXXXXX");
		assert_non_null(mkdtemp(f->dir));
	}
	f->at = open(f->dir, O_RDONLY | O_DIRECTORY);
	signal(SIGIO, SIG_IGN);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	close(f->at);
	rmdir(f->dir);
	free(f);
	return 0;
}

/* So many seconds old. */
static int plant(const struct fixture *f, const char *name, int age)
{
	struct timespec t[2];
	int fd = openat(f->at, name, O_RDWR | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	clock_gettime(CLOCK_REALTIME, &t[0]);
	t[0].tv_sec -= age;
	t[1] = t[0];
	assert_int_equal(futimens(fd, t), 0);
	return fd;
}

static bool there(const struct fixture *f, const char *name)
{
	struct stat st;

	return !fstatat(f->at, name, &st, AT_SYMLINK_NOFOLLOW);
}

static void check(const struct fixture *f, unsigned removed, unsigned others)
{
	struct bfs_left l = bfs_ucx_left_sweep(f->dir);

	assert_int_equal(l.removed, removed);
	assert_int_equal(l.others, others);
}

static void test_abandoned(void **state)
{
	struct fixture *f = *state;

	close(plant(f, "ucx_shm_posix_1a2b", 100));
	close(plant(f, "ucx_shm_posix_f", 10));
	check(f, 2, 0);
	assert_false(there(f, "ucx_shm_posix_1a2b"));
	assert_false(there(f, "ucx_shm_posix_f"));
	check(f, 0, 0);
}

/* It may be about to be mapped, or renamed: not yet. */
static void test_young(void **state)
{
	struct fixture *f = *state;

	close(plant(f, "ucx_shm_posix_1", 0));
	check(f, 0, 1);
	assert_true(there(f, "ucx_shm_posix_1"));
	assert_int_equal(unlinkat(f->at, "ucx_shm_posix_1", 0), 0);
}

/* How another process has it. */
static const struct {
	int open;	 /* flags */
	int prot, flags; /* of a mapping; 0: none */
	bool keep;	 /* the descriptor */
} ways[] = {
	{ O_RDWR, 0, 0, true },
	{ O_RDONLY, 0, 0, true },
	{ O_WRONLY, 0, 0, true },
	{ O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED, false },
	{ O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED, true },
	{ O_RDONLY, PROT_READ, MAP_SHARED, false },
	{ O_RDONLY, PROT_READ | PROT_WRITE, MAP_PRIVATE, false },
	{ O_RDWR, PROT_NONE, MAP_SHARED, false },
};

static void have(const struct fixture *f, size_t way, int ready)
{
	int fd = openat(f->at, "ucx_shm_posix_c0ffee", ways[way].open);

	assert_true(fd >= 0);
	if (ways[way].flags)
		assert_true(mmap(NULL, SIZE, ways[way].prot, ways[way].flags,
				 fd, 0) != MAP_FAILED);
	if (!ways[way].keep)
		close(fd);
	assert_int_equal(write(ready, "", 1), 1);
	for (;;)
		pause();
}

static void test_in_use(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < BFS_COUNT(ways); i++) {
		int ends[2], status;
		char byte;
		pid_t pid;

		close(plant(f, "ucx_shm_posix_c0ffee", 100));
		assert_int_equal(pipe(ends), 0);
		pid = unit_fork();
		if (!pid)
			have(f, i, ends[1]);
		assert_int_equal(read(ends[0], &byte, 1), 1);
		check(f, 0, 1);
		assert_true(there(f, "ucx_shm_posix_c0ffee"));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		check(f, 1, 0);
		close(ends[0]);
		close(ends[1]);
	}
}

static void test_others(void **state)
{
	static const char *const names[] = {
		"ucx_shm_posix_",     "ucx_shm_posix_12x", "ucx_shm_posix_AB",
		"xucx_shm_posix_12",  "ucx_shm_posix",	   "else",
		"ucx_shm_posix_12.1", "psm2_shm_12",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < BFS_COUNT(names); i++)
		close(plant(f, names[i], 100));
	assert_int_equal(symlinkat("else", f->at, "ucx_shm_posix_1"), 0);
	assert_int_equal(mkdirat(f->at, "ucx_shm_posix_2", 0700), 0);
	assert_int_equal(mkfifoat(f->at, "ucx_shm_posix_3", 0600), 0);
	check(f, 0, 0);
	assert_int_equal(unlinkat(f->at, "ucx_shm_posix_1", 0), 0);
	assert_int_equal(unlinkat(f->at, "ucx_shm_posix_2", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(f->at, "ucx_shm_posix_3", 0), 0);
	for (size_t i = 0; i < BFS_COUNT(names); i++)
		assert_int_equal(unlinkat(f->at, names[i], 0), 0);
}

/* Another daemon that looks in the same moment: both leave it, nobody waits. */
static void test_lease(void **state)
{
	struct fixture *f = *state;
	int fd = plant(f, "ucx_shm_posix_5", 100);

	assert_int_equal(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
	check(f, 0, 1);
	close(fd);
	check(f, 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_abandoned, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_young, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_in_use, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lease, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
