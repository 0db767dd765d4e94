/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Does a program need libraries that lie in BenchFS?  ld.so opens them before
 * any code of ours runs, so it is then given an audit library (audit.c).
 */
#include "core/elf_scan.h"
#include "preload/exec.h"
#include "preload/ld_path.h"
#include "preload/path.h"

#include <elf.h>
#include <string.h>

struct scan {
	const char *origin; /* what $ORIGIN stands for: not NULL if ours */
};

static int is_ours(void *arg, const char *path)
{
	return bfs_owns_path(path);
}

static bool list_has_ours(const char *list, const char *origin)
{
	return bfs_ld_search(list, origin, "x", is_ours, NULL);
}

/* LD_PRELOAD: files, not directories, and blanks separate them too. */
static bool preload_has_ours(const char *p)
{
	char name[BFS_PATH_MAX];
	size_t n;

	for (; *p; p += n + !!p[n]) {
		n = strcspn(p, ": ");
		if (!n || n >= sizeof(name))
			continue;
		memcpy(name, p, n);
		name[n] = '\0';
		if (strchr(name, '/') && bfs_owns_path(name))
			return true;
	}
	return false;
}

static bool env_has_ours(char *const envp[], const char *origin)
{
	const char *v;

	for (; envp && *envp; envp++) {
		v = bfs_env_value(*envp, "LD_LIBRARY_PATH");
		if (v && *v && list_has_ours(v, origin))
			return true;
		v = bfs_env_value(*envp, "LD_PRELOAD");
		if (v && preload_has_ours(v))
			return true;
	}
	return false;
}

static bool name_is_ours(void *arg, int64_t tag, const char *text)
{
	const struct scan *s = arg;

	if (tag == DT_NEEDED)
		return strchr(text, '/') && bfs_owns_path(text);
	if (tag == DT_RPATH || tag == DT_RUNPATH)
		return list_has_ours(text, s->origin);
	return false;
}

bool bfs_exec_env_needs_audit(char *const envp[])
{
	return env_has_ours(envp, NULL);
}

static bool is_place(void *arg, int64_t tag, const char *text)
{
	return tag == DT_RPATH || tag == DT_RUNPATH ||
	       (tag == DT_NEEDED && strchr(text, '/'));
}

bool bfs_exec_names_nothing(int fd)
{
	return bfs_elf_scan(fd, is_place, NULL) == 0;
}

bool bfs_exec_needs_audit(char *const envp[], int fd, bool ours)
{
	struct scan s = { ours ? bfs_settings.mount : NULL };

	return env_has_ours(envp, s.origin) ||
	       bfs_elf_scan(fd, name_is_ours, &s) == 1;
}
