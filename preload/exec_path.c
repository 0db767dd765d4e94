/* SPDX-License-Identifier: BSD-3-Clause */
/* execvp: the search along PATH, whose directories may lie anywhere. */
#include "core/sys.h"
#include "preload/exec.h"
#include "preload/lead.h"
#include "preload/ops.h"
#include "preload/path.h"

#include <errno.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>

#define SHELL "/bin/sh"

/* The next element of PATH and file behind it, into out; false at the end.
 * An empty element is the working directory; one too long is left out. */
static bool next_name(const char **path, const char *file, char *out,
		      size_t size)
{
	while (*path) {
		const char *p = *path;
		size_t n = strcspn(p, ":");

		*path = p[n] ? p + n + 1 : NULL;
		if (n + strlen(file) + 2 > size)
			continue;
		snprintf(out, size, "%.*s%s%s", (int)n, p, n ? "/" : "", file);
		return true;
	}
	return false;
}

static const char *search_path(void)
{
	const char *path = getenv("PATH");

	return path ? path : "/bin:/usr/bin";
}

/* "sh file args": what has no "#!" line and is no program. */
static int run_by_shell(const char *file, char *const argv[],
			char *const envp[])
{
	size_t n = bfs_env_count(argv);
	struct bfs_scratch mem;
	char **args;
	int e = bfs_scratch_init(&mem, (n + 3) * sizeof(char *));

	if (e)
		return e;
	args = bfs_scratch_take(&mem, (n + 3) * sizeof(char *));
	args[0] = (char *)SHELL;
	args[1] = (char *)file;
	args[2] = NULL;
	if (n > 1)
		memcpy(args + 2, argv + 1, n * sizeof(char *));
	e = bfs_exec_path(SHELL, args, envp);
	bfs_scratch_fini(&mem);
	return e;
}

static int attempt(const char *file, char *const argv[], char *const envp[],
		   bool shell)
{
	const char *led = file;
	int e;

	/* Most elements of PATH end here. */
	if (!bfs_owns_path(file) &&
	    bfs_sys_3(SYS_faccessat, AT_FDCWD, file, F_OK) == -ENOENT &&
	    !bfs_led(AT_FDCWD, &led))
		return -ENOENT;
	e = bfs_exec_path(file, argv, envp);
	return e == -ENOEXEC && shell ? run_by_shell(file, argv, envp) : e;
}

/* Errors that say "not here", behind which the search goes on. */
static bool goes_on(int e)
{
	return e == -EACCES || e == -ENOENT || e == -ESTALE || e == -ENOTDIR ||
	       e == -ENODEV || e == -ETIMEDOUT;
}

int bfs_exec_search(const char *file, char *const argv[], char *const envp[],
		    bool shell)
{
	const char *path = search_path();
	char name[PATH_MAX];
	bool denied = false;
	int e = -ENOENT;

	if (!file)
		return -EFAULT;
	if (!*file)
		return -ENOENT;
	if (strchr(file, '/'))
		return attempt(file, argv, envp, shell);
	if (strlen(file) > NAME_MAX)
		return -ENAMETOOLONG;
	while (next_name(&path, file, name, sizeof(name))) {
		e = attempt(name, argv, envp, shell);
		if (!goes_on(e))
			return e;
		denied |= e == -EACCES;
	}
	return denied ? -EACCES : e;
}

bool bfs_path_has_ours(void)
{
	const char *path = search_path();
	char name[PATH_MAX];

	while (next_name(&path, "x", name, sizeof(name)))
		if (bfs_owns_path(name))
			return true;
	return false;
}

bool bfs_path_find(const char *file, char *out, size_t size)
{
	const char *path = search_path();

	while (next_name(&path, file, out, size))
		if (!bfs_sys_3(SYS_faccessat, AT_FDCWD, out, X_OK))
			return true;
	return false;
}

int bfs_execvp(const char *file, char *const argv[])
{
	return bfs_exec_search(file, argv, environ, true);
}

int bfs_execvpe(const char *file, char *const argv[], char *const envp[])
{
	return bfs_exec_search(file, argv, envp, true);
}
