/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of directories as ld.so reads them: LD_LIBRARY_PATH, DT_RUNPATH. */
#ifndef BFS_LD_PATH_H
#define BFS_LD_PATH_H

#include <limits.h>
#include <stddef.h>

/*
 * Calls fn with "dir/name" for each directory of list in turn, with $ORIGIN
 * replaced by origin (NULL: such elements are left out), until it returns
 * something else than 0, which is the result.  Too long ones are left out,
 * and those with other $ tokens.  Not malloc, any thread.
 */
typedef int bfs_ld_fn(void *arg, const char *path);
int bfs_ld_search(const char *list, const char *origin, const char *name,
		  bfs_ld_fn *fn, void *arg);

/*
 * Spell "<dir>/<fd>" for ld.so, which takes two libraries of one name for the
 * same one, while descriptor numbers come again: each call gives another
 * spelling, of at least len bytes, so that in the end ld.so's copy of it can
 * be overwritten with the library's own path.  Two callers in one process
 * need two spellings of dir, of at most 32 bytes.
 */
#define BFS_LD_SERIAL_BITS 24
#define BFS_LD_SPELL_MAX (PATH_MAX + 2 * BFS_LD_SERIAL_BITS + 64)
void bfs_ld_spell(char *out, const char *dir, int fd, size_t len);

#endif
