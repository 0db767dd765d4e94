/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each entry has its path for itself, and the working directory is never
 * changed: fts_accpath is fts_path.
 */
#include "preload/fts_tree.h"

#include "preload/dirlist.h"

#include <errno.h>
#include <string.h>

FTSENT *bfs_fts_entry(FTSENT *parent, const char *path, size_t path_len,
		      const char *name)
{
	size_t n = strlen(name);
	/* One byte of the name is in the structure already, for the NUL. */
	FTSENT *e = calloc(1, sizeof(*e) + n);

	if (!e)
		return NULL;
	e->fts_path = malloc(path_len + 1);
	e->fts_statp = calloc(1, sizeof(*e->fts_statp));
	if (!e->fts_path || !e->fts_statp) {
		bfs_fts_free(e);
		return NULL;
	}
	memcpy(e->fts_path, path, path_len);
	e->fts_path[path_len] = '\0';
	e->fts_accpath = e->fts_path;
	e->fts_pathlen = (unsigned short)path_len;
	e->fts_namelen = (unsigned short)n;
	memcpy(e->fts_name, name, n);
	e->fts_parent = parent;
	e->fts_level =
		parent ? (short)(parent->fts_level + 1) : FTS_ROOTPARENTLEVEL;
	e->fts_instr = FTS_NOINSTR;
	e->fts_info = FTS_INIT;
	e->fts_symfd = -1;
	return e;
}

void bfs_fts_free(FTSENT *e)
{
	if (!e)
		return;
	free(e->fts_path);
	free(e->fts_statp);
	free(e);
}

void bfs_fts_free_list(FTSENT *e)
{
	while (e) {
		FTSENT *next = e->fts_link;

		bfs_fts_free(e);
		e = next;
	}
}

static bool is_dot(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* A directory above that is the very same one, or NULL. */
static FTSENT *cycle(const FTSENT *e)
{
	FTSENT *up = e->fts_parent;

	while (up->fts_level >= FTS_ROOTLEVEL &&
	       (up->fts_ino != e->fts_ino || up->fts_dev != e->fts_dev))
		up = up->fts_parent;
	return up->fts_level >= FTS_ROOTLEVEL ? up : NULL;
}

static unsigned short info_of(FTSENT *e)
{
	switch (e->fts_statp->st_mode & S_IFMT) {
	case S_IFDIR:
		/* A "." that the application named is its directory. */
		if (e->fts_level > FTS_ROOTLEVEL && is_dot(e->fts_name))
			return FTS_DOT;
		e->fts_cycle = cycle(e);
		return e->fts_cycle ? FTS_DC : FTS_D;
	case S_IFLNK:
		return FTS_SL;
	case S_IFREG:
		return FTS_F;
	default:
		return FTS_DEFAULT;
	}
}

/* 0, FTS_SLNONE for a symlink without target, or -errno. */
static int stat_entry(FTSENT *e, bool follow)
{
	int failed;

	if (!follow)
		return lstat(e->fts_accpath, e->fts_statp) ? -errno : 0;
	if (!stat(e->fts_accpath, e->fts_statp))
		return 0;
	failed = -errno;
	return lstat(e->fts_accpath, e->fts_statp) ? failed : FTS_SLNONE;
}

void bfs_fts_look(const struct bfs_fts *f, FTSENT *e, bool follow)
{
	struct stat *st = e->fts_statp;
	int r = stat_entry(e, follow || (f->pub.fts_options & FTS_LOGICAL));

	e->fts_errno = r < 0 ? -r : 0;
	if (r < 0) {
		memset(st, 0, sizeof(*st));
		e->fts_info = FTS_NS;
		return;
	}
	e->fts_ino = st->st_ino;
	e->fts_dev = st->st_dev;
	e->fts_nlink = st->st_nlink;
	e->fts_info = r ? (unsigned short)r : info_of(e);
}

static FTSENT *relink(FTSENT **all, size_t n)
{
	FTSENT *list = NULL;

	while (n--) {
		all[n]->fts_link = list;
		list = all[n];
	}
	return list;
}

FTSENT *bfs_fts_sort(const struct bfs_fts *f, FTSENT *list)
{
	FTSENT **all;
	size_t n = 0;

	for (FTSENT *e = list; e; e = e->fts_link)
		n++;
	if (!f->compare || n < 2)
		return list;
	all = calloc(n, sizeof(FTSENT *));
	if (!all)
		return list; /* unsorted is better than nothing */
	n = 0;
	for (FTSENT *e = list; e; e = e->fts_link)
		all[n++] = e;
	qsort(all, n, sizeof(FTSENT *),
	      (int (*)(const void *, const void *))f->compare);
	list = relink(all, n);
	free(all);
	return list;
}

/* No need to stat: the directory told the type. */
static bool is_known(const struct bfs_fts *f, const struct dirent *d)
{
	const int both = FTS_NOSTAT | FTS_PHYSICAL;

	return (f->pub.fts_options & both) == both && d->d_type != DT_UNKNOWN &&
	       d->d_type != DT_DIR;
}

static FTSENT *child(const struct bfs_fts *f, FTSENT *dir,
		     const struct dirent *d, bool name_only)
{
	size_t n = strlen(dir->fts_path);
	bool slash = !n || dir->fts_path[n - 1] != '/';
	FTSENT *e;
	char *path;
	int len = asprintf(&path, "%s%s%s", dir->fts_path, slash ? "/" : "",
			   d->d_name);

	if (len < 0)
		return NULL;
	e = bfs_fts_entry(dir, path, (size_t)len, d->d_name);
	free(path);
	if (!e)
		return NULL;
	if (name_only || is_known(f, d))
		e->fts_info = FTS_NSOK;
	else
		bfs_fts_look(f, e, false);
	return e;
}

static int build(const struct bfs_fts *f, FTSENT *dir,
		 const struct bfs_dirlist *l, bool names_only, FTSENT **list)
{
	FTSENT *first = NULL, **end = &first;

	for (size_t i = 0; i < l->count; i++) {
		*end = child(f, dir, l->entries[i], names_only);
		if (!*end) {
			bfs_fts_free_list(first);
			return -ENOMEM;
		}
		end = &(*end)->fts_link;
	}
	*list = bfs_fts_sort(f, first);
	return 0;
}

int bfs_fts_list(const struct bfs_fts *f, FTSENT *dir, bool names_only,
		 FTSENT **list)
{
	DIR *stream = bfs_dirlist_open(AT_FDCWD, dir->fts_accpath);
	bool dots = f->pub.fts_options & FTS_SEEDOT;
	struct bfs_dirlist l;
	int e;

	*list = NULL;
	if (!stream)
		return -errno;
	e = bfs_dirlist_take(&l, stream, dots ? NULL : bfs_dirlist_no_dots);
	if (!e)
		e = build(f, dir, &l, names_only, list);
	bfs_dirlist_free(&l);
	return e;
}
