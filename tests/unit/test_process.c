/* SPDX-License-Identifier: BSD-3-Clause */
/* RULES 1: what a dead process held is void at once, before its death has been
 * told. */
#include "tests/unit/unit.h"

#include "server/lock.h"
#include "server/process.h"
#include "server/serve_lock.h"
#include "server/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* A daemon whose loop never runs, so that nothing is told. */
struct world {
	struct bfs_server server;
	struct bfs_port_local port;
	pid_t child;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->port.server = &w->server;
	w->server.loop = bfs_loop_new(0);
	w->child = unit_fork();
	if (!w->child) {
		pause();
		_exit(0);
	}
	assert_non_null(bfs_process_get(&w->port, w->child));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	bfs_process_free_all(&w->port);
	bfs_loop_free(w->server.loop);
	if (w->child) {
		kill(w->child, SIGKILL);
		waitpid(w->child, NULL, 0);
	}
	free(w);
	return 0;
}

static void end_child(struct world *w)
{
	kill(w->child, SIGKILL);
	waitpid(w->child, NULL, 0);
}

static void test_lives(void **state)
{
	struct world *w = *state;

	assert_true(bfs_process_lives(&w->server, w->child));
	assert_true(bfs_process_lives(&w->server, getpid())); /* unwatched */
	end_child(w);
	assert_false(bfs_process_lives(&w->server, w->child));
	w->child = 0;
}

static void test_zombie(void **state)
{
	struct world *w = *state;
	siginfo_t info;

	kill(w->child, SIGKILL);
	waitid(P_PID, (id_t)w->child, &info, WEXITED | WNOWAIT);
	assert_false(bfs_process_lives(&w->server, w->child));
}

/* R28: a later daemon knows a process by it, and takes no other one for it. */
static void test_mark(void **state)
{
	struct world *w = *state, later = { .port = { .server = NULL } };
	uint64_t mark = bfs_process_mark(&w->server, w->child);
	pid_t other = unit_fork();

	if (!other) {
		pause();
		_exit(0);
	}
	assert_int_not_equal(mark, 0);
	assert_int_equal(bfs_process_mark(&later.server, w->child), mark);
	assert_int_not_equal(bfs_process_mark(&later.server, other), mark);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	assert_int_equal(bfs_process_mark(&later.server, other), 0);
}

static int take(struct world *w, pid_t pid)
{
	struct bfs_lock_range want = {
		.owner = { .space = BFS_LOCK_POSIX, .id = (uint64_t)pid },
		.end = UINT64_MAX,
		.type = F_WRLCK,
	};

	return bfs_lock_set(w->server.locks, 1, &want, NULL, NULL);
}

static void test_lock_of_the_dead(void **state)
{
	struct world *w = *state;

	assert_int_equal(bfs_serve_lock_start(&w->server), 0);
	assert_int_equal(take(w, w->child), 0);
	assert_int_equal(take(w, getpid()), -EAGAIN);
	end_child(w);
	assert_int_equal(take(w, getpid()), 0);
	w->child = 0;
	bfs_serve_lock_stop(&w->server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lives, setup, teardown),
		cmocka_unit_test_setup_teardown(test_zombie, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mark, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock_of_the_dead, setup,
						teardown),
	};

	int self = pidfd_open(getpid(), 0);

	if (self < 0 && errno == ENOSYS)
		return 77; /* valgrind 3.19 does not know it */
	close(self);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
