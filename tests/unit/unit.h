/* SPDX-License-Identifier: BSD-3-Clause */
/* What every unit test includes: cmocka with what it needs before it. */
#ifndef BFS_TESTS_UNIT_H
#define BFS_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * fork() for tests, which must not call it themselves (lint.sh).  An assertion
 * that fails in a child, or a crash, would make cmocka go on there with the
 * next test: a second runner, whose tests fork in turn.  Here it ends the child
 * (SIGABRT), as the runner's death does.  And the pid is one: kill(-1) would
 * reach everybody's processes.
 */
static inline pid_t unit_fork(void)
{
	static const int crashes[] = { SIGFPE, SIGILL, SIGSEGV, SIGBUS,
				       SIGSYS };
	pid_t parent = getpid(), pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		signal(crashes[i], SIG_DFL);
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	return 0;
}

#endif
