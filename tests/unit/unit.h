/* SPDX-License-Identifier: BSD-3-Clause */
/* What every unit test includes: cmocka with what it needs before it. */
#ifndef BFS_TESTS_UNIT_H
#define BFS_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>

/*
 * First thing in a forked child: cmocka's handlers would jump into its copy of
 * the runner, which goes on with the tests, and forks again.  An assertion in a
 * child would do the same.
 */
static inline void unit_child(void)
{
	static const int signals[] = { SIGFPE, SIGILL, SIGSEGV, SIGBUS,
				       SIGSYS };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
}

#endif
