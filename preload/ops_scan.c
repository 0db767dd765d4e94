/* SPDX-License-Identifier: BSD-3-Clause */
/* scandir, and glob. */
#include "preload/count.h"
#include "preload/dirlist.h"
#include "preload/ops.h"
#include "preload/real.h"

int bfs_scandirat(int dirfd, const char *path, struct dirent ***list,
		  int (*want)(const struct dirent *),
		  int (*compare)(const struct dirent **,
				 const struct dirent **))
{
	DIR *dir = bfs_dirlist_open(dirfd, path);
	struct bfs_dirlist l;
	int e = dir ? bfs_dirlist_take(&l, dir, want) : -errno;

	if (e)
		return e;
	if (compare && l.count)
		qsort(l.entries, l.count, sizeof(*l.entries),
		      (int (*)(const void *, const void *))compare);
	*list = l.entries;
	return (int)l.count;
}

int bfs_scandir(const char *path, struct dirent ***list,
		int (*want)(const struct dirent *),
		int (*compare)(const struct dirent **, const struct dirent **))
{
	return bfs_scandirat(AT_FDCWD, path, list, want, compare);
}

static void *glob_opendir(const char *path)
{
	return opendir(path);
}

static struct dirent *glob_readdir(void *dir)
{
	return readdir(dir);
}

static void glob_closedir(void *dir)
{
	closedir(dir);
}

static int glob_stat(const char *path, struct stat *st)
{
	return stat(path, st);
}

static int glob_lstat(const char *path, struct stat *st)
{
	return lstat(path, st);
}

/*
 * libc's own, made to call the public functions: whether a pattern leads to
 * BenchFS ("/b*", "~", "{/benchfs/a,/tmp/b}") shows only on the way.
 */
int bfs_glob(const char *pattern, int flags, int (*onerr)(const char *, int),
	     glob_t *g)
{
	glob_t mine;
	int r;

	bfs_count_foreign(); /* what it calls is counted */
	if ((flags & GLOB_ALTDIRFUNC) || !g)
		return REAL(glob)(pattern, flags, onerr, g);
	mine = *g;
	mine.gl_opendir = glob_opendir;
	mine.gl_readdir = glob_readdir;
	mine.gl_closedir = glob_closedir;
	mine.gl_stat = glob_stat;
	mine.gl_lstat = glob_lstat;
	r = REAL(glob)(pattern, flags | GLOB_ALTDIRFUNC, onerr, &mine);
	g->gl_pathc = mine.gl_pathc;
	g->gl_pathv = mine.gl_pathv;
	g->gl_offs = mine.gl_offs;
	g->gl_flags = mine.gl_flags & ~GLOB_ALTDIRFUNC;
	return r;
}
