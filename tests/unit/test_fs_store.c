/* SPDX-License-Identifier: BSD-3-Clause */
/* The data directory: taken, refused, cleared. */
#include "tests/unit/fs_unit.h"

#include "core/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What bfs_fs_new answers and logs on u->data. */
static int try_new(struct fs_unit *u, char *log, size_t cap)
{
	struct bfs_fs *other = NULL;
	int fds[2], r;
	ssize_t n;

	assert_int_equal(pipe(fds), 0);
	bfs_log_fd = fds[1];
	r = bfs_fs_new(&other, &u->conf);
	bfs_log_fd = STDERR_FILENO;
	close(fds[1]);
	n = read(fds[0], log, cap - 1);
	log[n > 0 ? n : 0] = '\0';
	close(fds[0]);
	if (!r)
		bfs_fs_free(other);
	return r;
}

static void write_file(struct fs_unit *u, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", u->data, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static bool has(struct fs_unit *u, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", u->data, name);
	return !access(path, F_OK);
}

static unsigned count_entries(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void test_taken(void **state)
{
	struct fs_unit *u = *state;
	char log[512], want[160];
	struct stat st;

	snprintf(want, sizeof(want),
		 "data directory %s is in use by process %d", u->data,
		 getpid());
	assert_int_equal(try_new(u, log, sizeof(log)), -EBUSY);
	assert_non_null(strstr(log, want));
	assert_int_equal(stat(u->data, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

/* An end in good order leaves an empty directory, a kill leaves what the
 * next start clears. */
static void test_cleared(void **state)
{
	struct fs_unit *u = *state;
	struct bfs_attr a;
	int status;
	pid_t pid;

	bfs_fs_free(u->fs);
	assert_int_equal(count_entries(u->data), 0);
	pid = unit_fork();
	if (!pid) {
		fs_unit_restart(u);
		u_open(u, "f", O_CREAT, 0600, NULL);
		u_mknod(u, "p", S_IFIFO | 0600, 0);
		_exit(has(u, "data/02/0000000000000002") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(has(u, "data/02/0000000000000002"));
	write_file(u, "sock/0000000000000009", "");
	assert_int_equal(fs_unit_restart(u), 0);
	assert_false(has(u, "data/02/0000000000000002"));
	assert_false(has(u, "sock/0000000000000009"));
	assert_int_equal(u_stat(u, "f", &a), -ENOENT);
}

static void test_refused(void **state)
{
	static const struct {
		const char *file, *text, *message;
		int err;
	} cases[] = {
		{ "thesis.tex", "x",
		  "not empty and not of BenchFS (it has "
		  "thesis.tex)",
		  -ENOTEMPTY },
		{ "benchfs", "#!/bin/sh", "is not ours", -ENOTEMPTY },
		{ "benchfs", "benchfs data\nformat 9\n", "has format 9",
		  -EPROTO },
	};
	struct fs_unit *u = *state;
	char log[512], path[128];

	bfs_fs_free(u->fs);
	u->fs = NULL;
	for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		write_file(u, cases[n].file, cases[n].text);
		assert_int_equal(try_new(u, log, sizeof(log)), cases[n].err);
		assert_non_null(strstr(log, cases[n].message));
		assert_true(has(u, cases[n].file));
		snprintf(path, sizeof(path), "%s/%s", u->data, cases[n].file);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(try_new(u, log, sizeof(log)), 0);

	write_file(u, "plain", "");
	snprintf(path, sizeof(path), "%s/plain", u->data);
	u->conf.data_dir = path;
	assert_int_equal(try_new(u, log, sizeof(log)), -ENOTDIR);
	assert_non_null(strstr(log, "cannot open data directory"));
	u->conf.data_dir = "/nonexistent/data";
	assert_int_equal(try_new(u, log, sizeof(log)), -ENOENT);
	assert_non_null(strstr(log, "cannot create data directory"));
}

/* Nothing of a file stays behind when its last name goes (A4). */
static void test_nothing_left(void **state)
{
	struct fs_unit *u = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/data/02", u->data);
	assert_int_equal(u_open(u, "f", O_CREAT, 0600, NULL), 0);
	assert_int_equal(count_entries(path), 1);
	close(u_take_fd(u));
	assert_int_equal(u_unlink(u, "f"), 0);
	assert_int_equal(count_entries(path), 0);
	snprintf(path, sizeof(path), "%s/data/03", u->data);
	assert_int_equal(u_mknod(u, "p", S_IFIFO | 0600, 0), 0);
	assert_int_equal(count_entries(path), 1);
	assert_int_equal(u_mkdir(u, "d", 0755), 0);
	assert_int_equal(u_open(u, "g", O_CREAT, 0600, NULL), 0);
	assert_int_equal(u_rename(u, "g", "p", 0), 0);
	assert_int_equal(count_entries(path), 0);
}

#define FS_TEST(t) \
	cmocka_unit_test_setup_teardown(t, fs_unit_setup, fs_unit_teardown)

/* The lock of a directory, which a process has that is about to let go of it;
 * the file says that owner has it. */
static pid_t hold_lock(struct fs_unit *u, pid_t owner, int *go)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[128], text[32];
	int fd, ends[2];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/lock", u->data);
	snprintf(text, sizeof(text), "%d", owner);
	write_file(u, "lock", text);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &l), 0);
	assert_int_equal(pipe(ends), 0);
	pid = unit_fork();
	if (!pid) {
		char c;

		close(ends[1]);
		(void)!read(ends[0], &c, 1);
		usleep(100000); /* so that somebody has to wait */
		_exit(0);
	}
	close(fd);
	close(ends[0]);
	*go = ends[1];
	return pid;
}

/* D3: a daemon that was killed while it made a process has left its lock to
 * that until the exec. */
static void test_left(void **state)
{
	struct fs_unit *u = *state;
	pid_t dead = unit_fork(), pid;
	char log[256];
	int go;

	if (!dead)
		_exit(0);
	assert_int_equal(waitpid(dead, NULL, 0), dead);
	bfs_fs_free(u->fs);
	pid = hold_lock(u, getpid(), &go); /* it lives: it has it */
	assert_int_equal(try_new(u, log, sizeof(log)), -EBUSY);
	close(go);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	pid = hold_lock(u, dead, &go);
	close(go);
	assert_int_equal(try_new(u, log, sizeof(log)), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(fs_unit_restart(u), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FS_TEST(test_taken),   FS_TEST(test_cleared),
		FS_TEST(test_refused), FS_TEST(test_nothing_left),
		FS_TEST(test_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
