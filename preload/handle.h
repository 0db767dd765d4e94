/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions to the daemon about a handle. */
#ifndef BFS_HANDLE_H
#define BFS_HANDLE_H

#include "core/wire.h"

/* The application's path of it into out: its length or -errno. */
int bfs_handle_path(struct bfs_handle h, char *out, size_t size);

#endif
