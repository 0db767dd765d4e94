/* SPDX-License-Identifier: BSD-3-Clause */
/* unit_fork: a failing assertion ends the child, and runs no test there. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/wait.h>

static pid_t runner;

/* What cmocka says of the failure is no failure of ours. */
static void hush(void)
{
	int null = open("/dev/null", O_WRONLY);

	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
}

static void test_ends(void **state)
{
	pid_t pid = unit_fork();
	int status;

	(void)state;
	if (!pid) {
		hush();
		assert_int_equal(1, 2);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void test_crashes(void **state)
{
	pid_t pid = unit_fork();
	int status;

	(void)state;
	if (!pid) {
		hush();
		raise(SIGSEGV);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
}

static void test_one_runner(void **state)
{
	(void)state;
	assert_int_equal(getpid(), runner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_crashes),
		cmocka_unit_test(test_one_runner),
	};

	runner = getpid();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
