/* SPDX-License-Identifier: BSD-3-Clause */
/* Data descriptors of what is to be executed or loaded from BenchFS. */
#ifndef BFS_DATAFD_H
#define BFS_DATAFD_H

#include "core/proto.h"

struct bfs_where;

/*
 * Ask the daemon for a kernel descriptor (CLOEXEC) of what w names: the number
 * or -errno; attr and handle may be NULL.  -BFS_ESCAPE: the path left BenchFS,
 * w says where to.
 */
int bfs_datafd(struct bfs_where *w, enum bfs_datafd what, struct bfs_attr *attr,
	       struct bfs_handle *handle);
/* The path of its handle, without which one can do: "" if there is none.  By
 * the local connection too: UCX is too slow to start for an exec. */
void bfs_datafd_path(struct bfs_handle h, char *out, size_t size);

#endif
