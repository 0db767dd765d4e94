/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ftw and nftw.  Written against the public functions: a walk may leave
 * BenchFS by a symlink and come back.  A directory is read as a whole before
 * its entries are visited, so no more than two descriptors are ever in use.
 */
#include "core/util.h"
#include "preload/dirlist.h"
#include "preload/ops.h"

#include <errno.h>
#include <search.h>
#include <string.h>

typedef int ftw_fn(const char *, const struct stat *, int);
typedef int nftw_fn(const char *, const struct stat *, int, struct FTW *);

struct walk {
	ftw_fn *old_fn; /* one of the two */
	nftw_fn *fn;
	int flags;
	char *path; /* of what is being visited */
	size_t room;
	struct FTW at;
	dev_t dev;  /* FTW_MOUNT: stay there */
	void *seen; /* directories, when symlinks are followed: a tree */
	int home;   /* FTW_CHDIR: where the walk started */
};

struct inode {
	dev_t dev;
	ino_t ino;
};

static int visit_dir(struct walk *w, const struct stat *st);

static int report(struct walk *w, const struct stat *st, int what)
{
	if (w->fn)
		return w->fn(w->path, st, what, &w->at);
	/* ftw knows fewer kinds. */
	if (what == FTW_SLN)
		what = FTW_NS;
	return w->old_fn(w->path, st, what == FTW_SL ? FTW_F : what);
}

/* How the callback's answer ends what is on its way. */
static bool skips(const struct walk *w, int r, int action)
{
	return (w->flags & FTW_ACTIONRETVAL) && r == action;
}

/* What to call the present object from the working directory. */
static const char *local_name(const struct walk *w)
{
	return w->flags & FTW_CHDIR && w->path[w->at.base]
		       ? w->path + w->at.base
		       : w->path;
}

/* The working directory becomes what the first len bytes of path name. */
static int change_dir(struct walk *w, size_t len)
{
	char kept = w->path[len];
	int r = 0;

	if (!(w->flags & FTW_CHDIR))
		return 0;
	if (w->path[0] != '/')
		r = fchdir(w->home);
	if (!r && len) {
		w->path[len] = '\0';
		r = chdir(w->path);
		w->path[len] = kept;
	}
	return r;
}

static int by_inode(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct inode));
}

/* 1: that directory was seen before, or 0; -1 and errno. */
static int seen_before(struct walk *w, const struct stat *st)
{
	struct inode *i = malloc(sizeof(*i));
	struct inode **at;

	if (!i)
		return -1;
	*i = (struct inode){ st->st_dev, st->st_ino };
	at = tsearch(i, &w->seen, by_inode);
	if (!at || *at != i)
		free(i);
	if (!at)
		errno = ENOMEM;
	return at ? *at != i : -1;
}

/* What the present object is, or -1 and errno: FTW_D, _F, _SL, _SLN, _NS. */
static int look(const struct walk *w, struct stat *st)
{
	const char *name = local_name(w);
	bool follow = !(w->flags & FTW_PHYS);
	int saved;

	memset(st, 0, sizeof(*st));
	if (!(follow ? stat : lstat)(name, st))
		return S_ISDIR(st->st_mode)   ? FTW_D
		       : S_ISLNK(st->st_mode) ? FTW_SL
					      : FTW_F;
	if (errno != EACCES && errno != ENOENT)
		return -1;
	saved = errno;
	if (follow && !lstat(name, st) && S_ISLNK(st->st_mode))
		return FTW_SLN;
	errno = saved;
	return FTW_NS;
}

static int visit(struct walk *w)
{
	struct stat st;
	int what = look(w, &st), r;

	if (what < 0)
		return -1;
	if (what != FTW_NS && (w->flags & FTW_MOUNT) && st.st_dev != w->dev)
		return 0;
	if (what != FTW_D)
		return report(w, &st, what);
	r = w->flags & FTW_PHYS ? 0 : seen_before(w, &st);
	return r ? (r < 0 ? -1 : 0) : visit_dir(w, &st);
}

static int set_name(struct walk *w, size_t at, const char *name)
{
	size_t n = strlen(name) + 1;

	if (at + n > w->room) {
		size_t room = 2 * (at + n);
		char *p = realloc(w->path, room);

		if (!p)
			return -1;
		w->path = p;
		w->room = room;
	}
	memcpy(w->path + at, name, n);
	return 0;
}

/* All entries of a directory; path has its name and, at len, a slash. */
static int visit_entries(struct walk *w, size_t len,
			 const struct bfs_dirlist *l)
{
	int base = w->at.base, r = 0;

	w->at.base = (int)len + 1;
	w->at.level++;
	for (size_t i = 0; i < l->count && !r; i++) {
		r = set_name(w, len + 1, l->entries[i]->d_name);
		if (!r)
			r = visit(w);
		if (skips(w, r, FTW_SKIP_SUBTREE))
			r = 0;
	}
	w->at.level--;
	w->at.base = base;
	w->path[len] = '\0';
	return skips(w, r, FTW_SKIP_SIBLINGS) ? 0 : r;
}

static int read_and_visit(struct walk *w, DIR *dir)
{
	size_t len = strlen(w->path);
	struct bfs_dirlist l;
	int r = bfs_dirlist_take(&l, dir, bfs_dirlist_no_dots);

	if (r) {
		errno = -r;
		return -1;
	}
	r = change_dir(w, len);
	if (len == 1 && w->path[0] == '/')
		len = 0;
	if (!r)
		r = set_name(w, len, "/");
	if (!r)
		r = visit_entries(w, len, &l);
	bfs_dirlist_free(&l);
	if (!len)
		set_name(w, 0, "/");
	return r;
}

/* The callback's answer lets the walk go on in the parent. */
static bool goes_on(const struct walk *w, int r)
{
	return !r || skips(w, r, FTW_SKIP_SUBTREE) ||
	       skips(w, r, FTW_SKIP_SIBLINGS);
}

static int visit_dir(struct walk *w, const struct stat *st)
{
	DIR *dir = bfs_dirlist_open(AT_FDCWD, local_name(w));
	size_t parent = w->at.base > 1 ? (size_t)w->at.base - 1 : 1;
	int r;

	if (!dir)
		return errno == EACCES ? report(w, st, FTW_DNR) : -1;
	r = w->flags & FTW_DEPTH ? 0 : report(w, st, FTW_D);
	if (r)
		closedir(dir);
	else
		r = read_and_visit(w, dir);
	if (!r && (w->flags & FTW_DEPTH))
		r = report(w, st, FTW_DP);
	if (w->at.level && goes_on(w, r) && change_dir(w, parent))
		return -1;
	return r;
}

/* The place where the walk starts; it is told of even if it is a symlink. */
static int visit_root(struct walk *w)
{
	struct stat st;
	int what, r;

	if (w->at.base && change_dir(w, (size_t)w->at.base))
		return -1;
	what = look(w, &st);
	if (what < 0 || what == FTW_NS)
		return -1;
	w->dev = st.st_dev;
	if (what != FTW_D)
		return report(w, &st, what);
	r = w->flags & FTW_PHYS ? 0 : seen_before(w, &st);
	return r ? -1 : visit_dir(w, &st);
}

static int set_root(struct walk *w, const char *path)
{
	size_t n = strlen(path);

	if (!n) {
		errno = ENOENT;
		return -1;
	}
	if (set_name(w, 0, path))
		return -1;
	while (n > 1 && w->path[n - 1] == '/')
		w->path[--n] = '\0';
	while (n && w->path[n - 1] != '/')
		n--;
	w->at.base = (int)n;
	if (w->flags & FTW_CHDIR)
		w->home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return w->flags & FTW_CHDIR && w->home < 0 ? -1 : 0;
}

static int walk(struct walk *w, const char *path)
{
	int r = set_root(w, path), saved;

	if (!r)
		r = visit_root(w);
	if (goes_on(w, r))
		r = 0;
	saved = errno;
	if (w->home >= 0) {
		if (fchdir(w->home) && !r) {
			saved = errno;
			r = -1;
		}
		close(w->home);
	}
	tdestroy(w->seen, free);
	free(w->path);
	errno = saved;
	return r;
}

int bfs_ftw(const char *path, ftw_fn *fn, int nfds)
{
	struct walk w = { .old_fn = fn, .home = -1 };

	return walk(&w, path);
}

int bfs_nftw(const char *path, nftw_fn *fn, int nfds, int flags)
{
	struct walk w = { .fn = fn, .flags = flags, .home = -1 };

	if (flags & ~(FTW_PHYS | FTW_MOUNT | FTW_CHDIR | FTW_DEPTH |
		      FTW_ACTIONRETVAL)) {
		errno = EINVAL;
		return -1;
	}
	return walk(&w, path);
}
