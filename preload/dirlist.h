/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All entries of a directory in memory, ours or not: for scandir and the tree
 * walks.  Calls the public functions, so that a walk may leave BenchFS and
 * come back.  The list belongs to one thread.
 */
#ifndef BFS_DIRLIST_H
#define BFS_DIRLIST_H

#include "preload/headers.h"

struct bfs_dirlist {
	struct dirent **entries; /* each of malloc, and the array too */
	size_t count;
};

/* opendir() with openat(); NULL and errno. */
DIR *bfs_dirlist_open(int dirfd, const char *path);
/*
 * Read what want accepts (NULL: all) and close dir.  0, or -errno and an
 * empty list.
 */
int bfs_dirlist_take(struct bfs_dirlist *l, DIR *dir,
		     int (*want)(const struct dirent *));
void bfs_dirlist_free(struct bfs_dirlist *l);

/* Neither "." nor ".."; fits want. */
int bfs_dirlist_no_dots(const struct dirent *e);

#endif
