/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fts: trees of which at least one root is ours.  Written against the public
 * functions, so that a walk may leave BenchFS and come back.  libc's fts_set
 * only notes what it is told in the entry, and serves ours as well.
 */
#include "preload/fts_tree.h"
#include "preload/ops.h"
#include "preload/path.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

/*
 * The handles that are ours.  A place in the list is used again but never
 * freed, so that it can be read without a lock.
 */
struct place {
	_Atomic(const FTS *) fts;
	struct place *next;
};
static _Atomic(struct place *) places;

static struct place *find_place(const FTS *fts)
{
	struct place *p = places;

	while (p && p->fts != fts)
		p = p->next;
	return p;
}

static bool take_place(const FTS *fts)
{
	struct place *p;

	for (p = places; p; p = p->next) {
		const FTS *none = NULL;

		if (atomic_compare_exchange_strong(&p->fts, &none, fts))
			return true;
	}
	p = malloc(sizeof(*p));
	if (!p)
		return false;
	p->fts = fts;
	p->next = places;
	while (!atomic_compare_exchange_weak(&places, &p->next, p))
		;
	return true;
}

bool bfs_fts_is(const FTS *fts)
{
	return fts && find_place(fts);
}

bool bfs_fts_ours(char *const *paths)
{
	if (!paths)
		return false;
	for (; *paths; paths++)
		if (bfs_owns_path(*paths))
			return true;
	return false;
}

static struct bfs_fts *tree(FTS *fts)
{
	return (struct bfs_fts *)fts;
}

static int free_tree(struct bfs_fts *f)
{
	FTSENT *e = f->pub.fts_cur;

	bfs_fts_free_list(f->children);
	bfs_fts_free_list(f->next_root);
	while (e && e != f->above) {
		FTSENT *up = e->fts_parent;

		/* The siblings of a root are all in next_root. */
		if (e->fts_level > FTS_ROOTLEVEL)
			bfs_fts_free_list(e->fts_link);
		bfs_fts_free(e);
		e = up;
	}
	bfs_fts_free(f->above);
	free(f);
	return 0;
}

static int add_roots(struct bfs_fts *f, char *const *paths)
{
	FTSENT **end = &f->next_root;

	for (; *paths; paths++, end = &(*end)->fts_link) {
		if (!**paths)
			return -ENOENT;
		*end = bfs_fts_entry(f->above, *paths, strlen(*paths), *paths);
		if (!*end)
			return -ENOMEM;
		bfs_fts_look(f, *end, f->pub.fts_options & FTS_COMFOLLOW);
	}
	f->next_root = bfs_fts_sort(f, f->next_root);
	return 0;
}

FTS *bfs_fts_open(char *const *paths, int options, bfs_fts_compare *compare)
{
	struct bfs_fts *f;
	int e;

	if (options & ~FTS_OPTIONMASK)
		return (FTS *)(long)-EINVAL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return (FTS *)(long)-ENOMEM;
	f->pub.fts_options = options | FTS_NOCHDIR;
	f->pub.fts_rfd = -1;
	f->compare = compare;
	f->above = bfs_fts_entry(NULL, "", 0, "");
	f->pub.fts_cur = f->above;
	e = f->above ? add_roots(f, paths) : -ENOMEM;
	if (!e && !take_place(&f->pub))
		e = -ENOMEM;
	if (e) {
		free_tree(f);
		return (FTS *)(long)e;
	}
	return &f->pub;
}

int bfs_fts_close(FTS *fts)
{
	find_place(fts)->fts = NULL;
	return free_tree(tree(fts));
}

/* What becomes the present entry. */
static FTSENT *enter(struct bfs_fts *f, FTSENT *e)
{
	bfs_fts_free_list(f->children);
	f->children = NULL;
	f->pub.fts_cur = e;
	return e;
}

/* A root's name is the last part of its path from now on. */
static void shorten(FTSENT *e)
{
	const char *slash = strrchr(e->fts_name, '/');

	if (slash && (slash != e->fts_name || slash[1])) {
		e->fts_namelen = (unsigned short)strlen(slash + 1);
		memmove(e->fts_name, slash + 1, e->fts_namelen + 1u);
	}
}

static FTSENT *enter_root(struct bfs_fts *f)
{
	FTSENT *e = f->next_root;

	if (!e)
		return NULL;
	f->next_root = e->fts_link;
	shorten(e);
	f->pub.fts_dev = e->fts_dev;
	return enter(f, e);
}

/* The next entry beside e or above, which is not needed any more. */
static FTSENT *leave(struct bfs_fts *f, FTSENT *e)
{
	FTSENT *next = e->fts_link, *up = e->fts_parent;
	bool is_root = e->fts_level == FTS_ROOTLEVEL;

	bfs_fts_free(e);
	enter(f, f->above);
	if (is_root)
		return enter_root(f);
	if (next)
		return enter(f, next);
	up->fts_info = up->fts_errno ? FTS_ERR : FTS_DP;
	return enter(f, up);
}

static bool may_enter(const struct bfs_fts *f, const FTSENT *e, int told)
{
	return told != FTS_SKIP && (!(f->pub.fts_options & FTS_XDEV) ||
				    e->fts_dev == f->pub.fts_dev);
}

/* Into a directory: its first entry, or itself once more. */
static FTSENT *descend(struct bfs_fts *f, FTSENT *dir)
{
	FTSENT *first = f->children;
	int e = 0;

	if (first && f->names_only) {
		bfs_fts_free_list(first);
		first = NULL;
	}
	f->children = NULL;
	if (!first)
		e = bfs_fts_list(f, dir, false, &first);
	if (first)
		return enter(f, first);
	dir->fts_errno = -e;
	dir->fts_info = e ? FTS_DNR : FTS_DP;
	return enter(f, dir);
}

static bool is_link(const FTSENT *e)
{
	return e->fts_info == FTS_SL || e->fts_info == FTS_SLNONE;
}

static void look_again(struct bfs_fts *f, FTSENT *e)
{
	bfs_fts_look(f, e, true);
	if (e->fts_info == FTS_D)
		e->fts_flags |= FTS_SYMFOLLOW;
}

/* The entry's second visit: its children have been. */
static bool is_done(const FTSENT *e)
{
	return e->fts_info == FTS_DP || e->fts_info == FTS_ERR;
}

/* Instructions given for an entry before it was returned. */
static FTSENT *arrive(struct bfs_fts *f, FTSENT *e)
{
	while (e && e->fts_instr == FTS_SKIP && !is_done(e))
		e = leave(f, e);
	if (e && e->fts_instr == FTS_FOLLOW && !is_done(e)) {
		look_again(f, e);
		e->fts_instr = FTS_NOINSTR;
	}
	return e;
}

static FTSENT *step(struct bfs_fts *f)
{
	FTSENT *e = f->pub.fts_cur;
	int told = e->fts_instr;

	if (e == f->above)
		return arrive(f, enter_root(f));
	e->fts_instr = FTS_NOINSTR;
	if (told == FTS_AGAIN) {
		bfs_fts_look(f, e, e->fts_flags & FTS_SYMFOLLOW);
		return e;
	}
	if (told == FTS_FOLLOW && is_link(e)) {
		look_again(f, e);
		return e;
	}
	if (e->fts_info != FTS_D)
		return arrive(f, leave(f, e));
	if (may_enter(f, e, told))
		return arrive(f, descend(f, e));
	e->fts_info = FTS_DP;
	return enter(f, e);
}

/* errno is 0 at the end of the walk. */
FTSENT *bfs_fts_read(FTS *fts)
{
	int saved = errno;
	FTSENT *e = step(tree(fts));

	errno = e ? saved : 0;
	return e;
}

FTSENT *bfs_fts_children(FTS *fts, int options)
{
	struct bfs_fts *f = tree(fts);
	FTSENT *e = fts->fts_cur;

	errno = options && options != FTS_NAMEONLY ? EINVAL : 0;
	if (errno)
		return NULL;
	if (e == f->above)
		return f->next_root;
	if (e->fts_info != FTS_D)
		return NULL;
	bfs_fts_free_list(f->children);
	f->names_only = options == FTS_NAMEONLY;
	errno = -bfs_fts_list(f, e, f->names_only, &f->children);
	return f->children;
}
