/* SPDX-License-Identifier: BSD-3-Clause */
/* The entries of our fts: made, looked at, listed.  One thread per tree. */
#ifndef BFS_FTS_TREE_H
#define BFS_FTS_TREE_H

#include "preload/headers.h"

typedef int bfs_fts_compare(const FTSENT **, const FTSENT **);

/* What an application has as FTS. */
struct bfs_fts {
	FTS pub; /* of its members only fts_cur and fts_options are used */
	bfs_fts_compare *compare;
	FTSENT *next_root; /* those not visited yet */
	FTSENT *above;	   /* the parent of the roots */
	/* What fts_children has read ahead of the present directory. */
	FTSENT *children;
	bool names_only;
};

/* A new entry below parent; path is what it can be reached by.  Or NULL. */
FTSENT *bfs_fts_entry(FTSENT *parent, const char *path, size_t path_len,
		      const char *name);
void bfs_fts_free(FTSENT *e);
void bfs_fts_free_list(FTSENT *e);

/* Set info and what stat tells; follow: through a symlink. */
void bfs_fts_look(const struct bfs_fts *f, FTSENT *e, bool follow);

/* Sort a list as the application asked. */
FTSENT *bfs_fts_sort(const struct bfs_fts *f, FTSENT *list);

/* Read a directory's entries into *list: 0 or -errno. */
int bfs_fts_list(const struct bfs_fts *f, FTSENT *dir, bool names_only,
		 FTSENT **list);

#endif
