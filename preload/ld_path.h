/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of directories as ld.so reads them: LD_LIBRARY_PATH, DT_RUNPATH. */
#ifndef BFS_LD_PATH_H
#define BFS_LD_PATH_H

/*
 * Calls fn with "dir/name" for each directory of list in turn, with $ORIGIN
 * replaced by origin (NULL: such elements are left out), until it returns
 * something else than 0, which is the result.  Too long ones are left out,
 * and those with other $ tokens.  Not malloc, any thread.
 */
typedef int bfs_ld_fn(void *arg, const char *path);
int bfs_ld_search(const char *list, const char *origin, const char *name,
		  bfs_ld_fn *fn, void *arg);

#endif
