/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Our own descriptors (BFS_KIND_OWN) do not exist for the application, but UCX,
 * which opened most of them, calls the same functions of libc.
 */
#ifndef BFS_OWN_H
#define BFS_OWN_H

#include "core/util.h"
#include "preload/fd.h"

#include <stdbool.h>

/* Is the code at that address UCX's?  Any thread, signal handlers too. */
bool bfs_own_caller(const void *caller);

/* What a hook takes the descriptor for. */
static inline enum bfs_kind bfs_own_kind(int fd, const void *caller)
{
	enum bfs_kind k = bfs_fd_kind(fd);

	if (bfs_likely(k != BFS_KIND_OWN) || !bfs_own_caller(caller))
		return k;
	return BFS_KIND_NONE;
}

/* The same for close(): its number is free then. */
static inline bool bfs_own_closes(int fd, const void *caller)
{
	if (bfs_likely(bfs_fd_kind(fd) != BFS_KIND_OWN))
		return bfs_fd_kind(fd) != BFS_KIND_NONE;
	if (!bfs_own_caller(caller))
		return true;
	bfs_fd_disown(fd);
	return false;
}

#endif
