/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libbenchfs_audit.so: an auditor of ld.so (rtld-audit(7)) that finds shared
 * libraries in BenchFS.  ld.so opens files by itself, before any of our hooks
 * is in place; the exec hook names us in LD_AUDIT when a program needs it.
 *
 * ld.so remembers that a directory does not exist, and those of BenchFS do
 * not for it.  So a plain name is looked for here, along the same lists and in
 * the same order.  What is in BenchFS, ld.so is told to open by a descriptor
 * of its data; once it has, the library gets its own path as its name.
 */
#include "core/proto.h"
#include "core/sys.h"
#include "core/util.h"
#include "preload/audit_fetch.h"
#include "preload/ld_path.h"

#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

static struct link_map *program;
static char exe[BFS_PATH_MAX]; /* the program's path */
static const char *library_path;
/* What ld.so was told last, and what it stands for. */
static char spelled[BFS_LD_SPELL_MAX], found[BFS_PATH_MAX];

/* "<dev>.<ino>.<path>" if the program lies in BenchFS. */
static void find_exe(void)
{
	const char *v = getenv("BENCHFS_EXE");

	for (int dots = 0; v && dots < 2; dots++) {
		v = strchr(v, '.');
		v = v ? v + 1 : NULL;
	}
	if (v)
		snprintf(exe, sizeof(exe), "%s", v);
	else
		bfs_sys_3(SYS_readlink, "/proc/self/exe", exe, sizeof(exe) - 1);
}

EXPORT unsigned int la_version(unsigned int version)
{
	if (!bfs_fetch_init())
		return 0;
	find_exe();
	library_path = getenv("LD_LIBRARY_PATH");
	return BFS_MIN(version, (unsigned)LAV_CURRENT);
}

EXPORT unsigned int la_objopen(struct link_map *map, Lmid_t ns,
			       uintptr_t *cookie)
{
	if (!program && ns == LM_ID_BASE)
		program = map;
	if (*spelled && !strcmp(map->l_name, spelled))
		strcpy(map->l_name, found); /* it is no longer */
	*cookie = (uintptr_t)map;
	return 0;
}

/* A string of the dynamic section that ld.so has mapped. */
static const char *dynamic_text(const struct link_map *map, int64_t tag)
{
	const char *table = NULL;
	int64_t at = -1;

	for (const ElfW(Dyn) *d = map->l_ld; d && d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_STRTAB)
			table = (const char *)d->d_un.d_ptr;
		if (d->d_tag == tag)
			at = (int64_t)d->d_un.d_val;
	}
	return table && at >= 0 ? table + at : NULL;
}

static int fetch(const char *path)
{
	int fd = bfs_fetch(path);

	if (fd < 0)
		return fd;
	snprintf(found, sizeof(found), "%s", path);
	bfs_ld_spell(spelled, "/proc/./self/fd", fd, strlen(found));
	return 0;
}

/* 1: found here; 2: elsewhere, where ld.so will find it. */
static int look(void *arg, const char *path)
{
	struct stat st;

	if (!bfs_fetch_owns(path))
		return bfs_sys_2(SYS_stat, path, &st) ? 0 : 2;
	return fetch(path) ? 0 : 1;
}

/* The directory of an object, for $ORIGIN. */
static const char *origin_of(const struct link_map *map, char *out)
{
	const char *name = *map->l_name ? map->l_name : exe;
	const char *slash = strrchr(name, '/');

	snprintf(out, BFS_PATH_MAX, "%.*s", (int)(slash ? slash - name : 1),
		 slash ? name : ".");
	return out;
}

static int search(const struct link_map *by, const char *list, const char *name)
{
	char origin[BFS_PATH_MAX];

	return list && *list ? bfs_ld_search(list, origin_of(by, origin), name,
					     look, NULL)
			     : 0;
}

/* Along the lists of the object that needs name: as look(). */
static int find(const struct link_map *by, const char *name)
{
	const char *runpath = dynamic_text(by, DT_RUNPATH);
	int r = 0;

	if (!runpath)
		r = search(by, dynamic_text(by, DT_RPATH), name);
	if (!r && !runpath && program && by != program)
		r = search(program, dynamic_text(program, DT_RPATH), name);
	if (!r && program)
		r = search(program, library_path, name);
	return r ? r : search(by, runpath, name);
}

/* What ld.so would open of the real file system below the mount point. */
static char *refuse(const char *name)
{
	return bfs_fetch_owns(name) ? NULL : (char *)name;
}

EXPORT char *la_objsearch(const char *name, uintptr_t *cookie,
			  unsigned int flag)
{
	const struct link_map *by = (const struct link_map *)*cookie;

	if (flag != LA_SER_ORIG)
		return strchr(name, '/') ? refuse(name) : (char *)name;
	if (!strchr(name, '/'))
		return by && find(by, name) == 1 ? spelled : (char *)name;
	if (!bfs_fetch_owns(name))
		return (char *)name;
	return fetch(name) ? NULL : spelled;
}

EXPORT void la_activity(uintptr_t *cookie, unsigned int flag)
{
	if (flag == LA_ACT_CONSISTENT)
		bfs_fetch_end();
}
