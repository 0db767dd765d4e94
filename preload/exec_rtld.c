/* SPDX-License-Identifier: BSD-3-Clause */
/* ld.so run as a program, by ldd for one: "ld.so [OPTION...] PROGRAM". */
#include "core/util.h"
#include "preload/exec.h"
#include "preload/path.h"

#include <string.h>

static bool is_rtld(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	return !strncmp(base, "ld-linux", 8) || !strcmp(base, "ld.so");
}

/* Options whose argument is the next word. */
static bool takes_argument(const char *option)
{
	static const char *const names[] = { "--library-path",
					     "--inhibit-rpath",
					     "--audit",
					     "--preload",
					     "--argv0",
					     "--glibc-hwcaps-mask",
					     "--glibc-hwcaps-prepend" };

	for (size_t i = 0; i < BFS_COUNT(names); i++)
		if (!strcmp(option, names[i]))
			return true;
	return false;
}

int bfs_rtld_program(const char *path, char *const argv[])
{
	int i = 1;

	if (!is_rtld(path) || !argv || !argv[0])
		return 0;
	for (; argv[i] && !strncmp(argv[i], "--", 2); i++)
		if (takes_argument(argv[i]) && argv[i + 1])
			i++;
	return argv[i] && bfs_owns_path(argv[i]) ? i : 0;
}
