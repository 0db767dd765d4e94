/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Foreign paths that lead into BenchFS: through a symlink of the real tree, or
 * through "..".  The kernel answers ENOENT for them, since there is nothing at
 * the prefix, so only then is it looked at closely.  Any thread.
 */
#ifndef BFS_LEAD_H
#define BFS_LEAD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Does the path (relative to dirfd) lead below the mount point?  Then out
 * holds where, as an absolute path of ours.  follow: also a symlink at its end.
 */
bool bfs_leads_in(int dirfd, const char *path, bool follow, char *out,
		  size_t size);

/* The same for an argument of a hook, which is replaced. */
bool bfs_led(int dirfd, const char **path);

#endif
