/* SPDX-License-Identifier: BSD-3-Clause */
/* Our reading of posix_spawn's file actions against what glibc builds. */
#include "tests/unit/unit.h"

#include "preload/spawn_actions.h"

#include <fcntl.h>

static const struct bfs_action *list(posix_spawn_file_actions_t *a)
{
	return (const struct bfs_action *)a->__actions;
}

static void test_every_action(void **state)
{
	posix_spawn_file_actions_t a;
	const struct bfs_action *l;

	posix_spawn_file_actions_init(&a);
	posix_spawn_file_actions_addclose(&a, 11);
	posix_spawn_file_actions_adddup2(&a, 12, 13);
	posix_spawn_file_actions_addopen(&a, 14, "some/path",
					 O_CREAT | O_WRONLY, 0640);
	posix_spawn_file_actions_addchdir_np(&a, "some/dir");
	posix_spawn_file_actions_addfchdir_np(&a, 15);
	posix_spawn_file_actions_addclosefrom_np(&a, 16);
	posix_spawn_file_actions_addtcsetpgrp_np(&a, 17);
	assert_int_equal(a.__used, 7);
	l = list(&a);
	assert_int_equal(l[0].tag, BFS_ACTION_CLOSE);
	assert_int_equal(l[0].u.fd, 11);
	assert_int_equal(l[1].tag, BFS_ACTION_DUP2);
	assert_int_equal(l[1].u.dup2.from, 12);
	assert_int_equal(l[1].u.dup2.to, 13);
	assert_int_equal(l[2].tag, BFS_ACTION_OPEN);
	assert_int_equal(l[2].u.open.fd, 14);
	assert_string_equal(l[2].u.open.path, "some/path");
	assert_int_equal(l[2].u.open.flags, O_CREAT | O_WRONLY);
	assert_int_equal(l[2].u.open.mode, 0640);
	assert_int_equal(l[3].tag, BFS_ACTION_CHDIR);
	assert_string_equal(l[3].u.path, "some/dir");
	assert_int_equal(l[4].tag, BFS_ACTION_FCHDIR);
	assert_int_equal(l[4].u.fd, 15);
	assert_int_equal(l[5].tag, BFS_ACTION_CLOSEFROM);
	assert_int_equal(l[5].u.fd, 16);
	assert_int_equal(l[6].tag, BFS_ACTION_TCSETPGRP);
	assert_int_equal(l[6].u.fd, 17);
	posix_spawn_file_actions_destroy(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_action),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
