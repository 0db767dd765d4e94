/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's io_uring, and the daemon's life without it. */
#include "tests/unit/unit.h"

#include "core/util.h"
#include "server/loop.h"
#include "server/uring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define SIZE 65536
#define MANY 1000

struct fixture {
	struct bfs_loop *loop;
	struct bfs_uring *u;
	int fd;
	char data[SIZE];
	int left; /* operations whose done() has not been called */
	const char *stop;
	int result;
};

static void done(void *arg, int result)
{
	struct fixture *f = arg;

	f->result = result;
	if (!--f->left)
		f->stop = "all done";
}

static int run(struct fixture *f)
{
	if (f->left)
		assert_int_equal(bfs_loop_run(f->loop, &f->stop), 0);
	f->stop = NULL;
	return f->result;
}

/* In the build directory: /tmp may be a tmpfs. */
static int data_file(const char *data)
{
	char name[] = "bfs-uring.XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	unlink(name);
	assert_int_equal(write(fd, data, SIZE), SIZE);
	return fd;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	for (int i = 0; i < SIZE; i++)
		f->data[i] = (char)(i * 7 + (i >> 8));
	f->fd = data_file(f->data);
	f->loop = bfs_loop_new(20);
	assert_int_equal(bfs_uring_new(f->loop, true, &f->u), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	bfs_uring_free(f->u);
	bfs_loop_free(f->loop);
	close(f->fd);
	free(f);
	return 0;
}

#define NEED_RING(f) \
	do { \
		if (!(f)->u) \
			skip(); \
	} while (0)

static void test_read(void **state)
{
	struct fixture *f = *state;
	char buf[8192] = ""; /* valgrind does not see who fills it */

	NEED_RING(f);
	f->left = 1;
	assert_int_equal(
		bfs_uring_read(f->u, f->fd, buf, sizeof(buf), 100, done, f), 0);
	assert_int_equal(run(f), sizeof(buf));
	assert_memory_equal(buf, f->data + 100, sizeof(buf));
	f->left = 1;
	bfs_uring_read(f->u, f->fd, buf, sizeof(buf), SIZE - 10, done, f);
	assert_int_equal(run(f), 10);
	f->left = 1;
	bfs_uring_read(f->u, -1, buf, sizeof(buf), 0, done, f);
	assert_int_equal(run(f), -EBADF);
}

static void test_write_and_sync(void **state)
{
	struct fixture *f = *state;
	char buf[5] = "";

	NEED_RING(f);
	f->left = 1;
	bfs_uring_write(f->u, f->fd, "hello", 5, 1000, done, f);
	assert_int_equal(run(f), 5);
	assert_int_equal(pread(f->fd, buf, 5, 1000), 5);
	assert_memory_equal(buf, "hello", 5);
	f->left = 2;
	assert_int_equal(bfs_uring_fsync(f->u, f->fd, false, done, f), 0);
	assert_int_equal(bfs_uring_fsync(f->u, f->fd, true, done, f), 0);
	assert_int_equal(run(f), 0);
}

/* Never more than the bound; what is refused is the caller's to do. */
static void test_bound(void **state)
{
	struct fixture *f = *state;
	static char buf[MANY];
	int taken = 0;

	NEED_RING(f);
	for (int i = 0; i < MANY; i++) {
		int r = bfs_uring_read(f->u, f->fd, buf + i, 1, i, done, f);

		assert_true(r == 0 || r == -EBUSY);
		if (r)
			buf[i] = f->data[i];
		taken += !r;
	}
	assert_int_equal(taken, BFS_URING_DEPTH);
	f->left = taken;
	run(f);
	assert_memory_equal(buf, f->data, MANY);
	f->left = 1;
	assert_int_equal(bfs_uring_read(f->u, f->fd, buf, 1, 0, done, f), 0);
	run(f);
}

/* The end waits for what is under way. */
static void test_drain(void **state)
{
	struct fixture *f = *state;
	char buf[100] = "";

	NEED_RING(f);
	f->left = 2;
	bfs_uring_read(f->u, f->fd, buf, sizeof(buf), 0, done, f);
	bfs_uring_fsync(f->u, f->fd, false, done, f);
	bfs_uring_free(f->u);
	f->u = NULL;
	assert_int_equal(f->left, 0);
	assert_memory_equal(buf, f->data, sizeof(buf));
}

static void test_cached(void **state)
{
	struct fixture *f = *state;
	char buf[4096];
	size_t got;
	ssize_t n;

	NEED_RING(f);
	n = bfs_uring_read_cached(f->u, f->fd, buf, sizeof(buf), 0, &got);
	if (n == -EOPNOTSUPP) { /* tmpfs: and it is not asked again */
		assert_int_equal(got, 0);
		return;
	}
	/* It has just been written, so it is there. */
	assert_int_equal(n, sizeof(buf));
	assert_memory_equal(buf, f->data, sizeof(buf));
	n = bfs_uring_read_cached(f->u, f->fd, buf, sizeof(buf), SIZE - 5,
				  &got);
	assert_int_equal(n, 5);
	n = bfs_uring_read_cached(f->u, f->fd, buf, 1, SIZE, &got);
	assert_int_equal(n, 0);
}

static void check_absent(struct fixture *f)
{
	char c;
	size_t got;

	assert_null(f->u);
	assert_int_equal(bfs_uring_read(f->u, f->fd, &c, 1, 0, done, f),
			 -EBUSY);
	assert_int_equal(bfs_uring_write(f->u, f->fd, &c, 1, 0, done, f),
			 -EBUSY);
	assert_int_equal(bfs_uring_fsync(f->u, f->fd, true, done, f), -EBUSY);
	assert_int_equal(bfs_uring_read_cached(f->u, f->fd, &c, 1, 0, &got),
			 -EOPNOTSUPP);
	bfs_uring_free(f->u);
}

static void test_switched_off(void **state)
{
	struct fixture *f = *state;

	bfs_uring_free(f->u);
	assert_int_equal(bfs_uring_new(f->loop, false, &f->u), 0);
	check_absent(f);
}

/* As containers do it: io_uring_setup answers EPERM or ENOSYS. */
static void forbid(int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { BFS_COUNT(code), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		_exit(77);
}

static int child_without(struct fixture *f, int err)
{
	struct bfs_loop *loop = bfs_loop_new(20);
	struct bfs_uring *u;
	char c;

	forbid(err);
	if (bfs_uring_new(loop, true, &u) || u)
		return 1;
	return bfs_uring_read(u, f->fd, &c, 1, 0, done, f) != -EBUSY;
}

static void test_forbidden(void **state)
{
	static const int errors[] = { EPERM, ENOSYS };

	for (size_t i = 0; i < BFS_COUNT(errors); i++) {
		pid_t pid = unit_fork();
		int status;

		if (!pid)
			_exit(child_without(*state, errors[i]));
		waitpid(pid, &status, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			skip();
		assert_int_equal(status, 0);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_read),	   T(test_write_and_sync), T(test_bound),
		T(test_drain),	   T(test_cached),	   T(test_switched_off),
		T(test_forbidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
