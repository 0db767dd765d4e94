/* SPDX-License-Identifier: BSD-3-Clause */
/* What open and openat2 share. */
#ifndef BFS_PRELOAD_OPEN_H
#define BFS_PRELOAD_OPEN_H

#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define BFS_NO_MAGIC (RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS)
#define BFS_SCOPED (RESOLVE_BENEATH | RESOLVE_IN_ROOT)

/* Do these flags make a file, so that the mode counts? */
bool bfs_open_creates(int flags);
/* What the kernel refuses before it looks at the path: 0 or -EINVAL. */
int bfs_open_bad_flags(int flags);
/* resolve: RESOLVE_*, which have been checked, as the flags have. */
int bfs_openat_resolve(int dirfd, const char *path, int flags, mode_t mode,
		       uint32_t resolve);

/* openat2(2), which libc has no function for; ours: is it about BenchFS? */
bool bfs_openat2_ours(int dirfd, const char *path, const struct open_how *how,
		      size_t size);
long bfs_openat2(int dirfd, const char *path, const struct open_how *how,
		 size_t size);

/* With O_SYNC or O_DSYNC writes are durable, so the name has to be (D2;
 * ops_fs.c).  0 or -errno. */
int bfs_sync_name(int fd);

#endif
