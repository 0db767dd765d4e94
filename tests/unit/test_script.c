/* SPDX-License-Identifier: BSD-3-Clause */
/* "#!" lines: execve(2) says what they mean. */
#include "tests/unit/unit.h"

#include "core/util.h"
#include "preload/script.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *head;
	int result;
	const char *interp, *arg;
} lines[] = {
	{ "#!/bin/sh\nrest", 0, "/bin/sh", NULL },
	{ "#! /bin/sh -e\n", 0, "/bin/sh", "-e" },
	{ "#!\t/bin/sh \t -e -u \t\n", 0, "/bin/sh", "-e -u" },
	{ "#!/bin/sh", 0, "/bin/sh", NULL }, /* the file ends there */
	{ "#!/bin/sh -x", 0, "/bin/sh", "-x" },
	{ "#!relative x\n", 0, "relative", "x" },
	{ "#!/bin/sh\r\n", 0, "/bin/sh\r", NULL },
	{ "#!\n/bin/sh\n", -ENOEXEC, NULL, NULL },
	{ "#! \t \n", -ENOEXEC, NULL, NULL },
};

static void load(struct bfs_script *s, const char *head)
{
	memset(s, 0, sizeof(*s));
	memcpy(s->head, head, strlen(head));
}

static void test_lines(void **state)
{
	struct bfs_script s;

	for (size_t i = 0; i < BFS_COUNT(lines); i++) {
		load(&s, lines[i].head);
		assert_true(bfs_script_is(&s));
		assert_int_equal(bfs_script_parse(&s), lines[i].result);
		if (lines[i].result)
			continue;
		assert_string_equal(s.interp, lines[i].interp);
		if (lines[i].arg)
			assert_string_equal(s.arg, lines[i].arg);
		else
			assert_null(s.arg);
	}
}

/* Longer than what the kernel reads: the name must be whole, the argument may
 * be cut. */
static void test_long_lines(void **state)
{
	struct bfs_script s = { .head = "#!/" };

	memset(s.head + 3, 'x', BFS_SCRIPT_HEAD - 3);
	assert_int_equal(bfs_script_parse(&s), -ENOEXEC);
	memset(s.head + 3, 'x', BFS_SCRIPT_HEAD - 3);
	s.head[8] = ' ';
	assert_int_equal(bfs_script_parse(&s), 0);
	assert_string_equal(s.interp, "/xxxxx");
	assert_int_equal(strlen(s.arg), BFS_SCRIPT_HEAD - 9);
}

static void test_args(void **state)
{
	char a0[] = "ignored", a1[] = "one", a2[] = "two words";
	char *argv[] = { a0, a1, a2, NULL }, *none[] = { NULL };
	char *out[BFS_SCRIPT_ARGS(3)];
	struct bfs_script s;

	load(&s, "#!/bin/sh -e\n");
	assert_int_equal(bfs_script_parse(&s), 0);
	bfs_script_args(&s, "./script", argv, out);
	assert_string_equal(out[0], "/bin/sh");
	assert_string_equal(out[1], "-e");
	assert_string_equal(out[2], "./script");
	assert_string_equal(out[3], "one");
	assert_string_equal(out[4], "two words");
	assert_null(out[5]);
	bfs_script_args(&s, "s", none, out);
	assert_string_equal(out[2], "s");
	assert_null(out[3]);
	bfs_script_args(&s, "s", NULL, out);
	assert_null(out[3]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_args),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
