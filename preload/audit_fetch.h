/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The audit library's own connection to the daemon: it lives in a link-map
 * namespace of its own, before the program's, and knows only the environment.
 * ld.so holds its lock around all of it.
 */
#ifndef BFS_AUDIT_FETCH_H
#define BFS_AUDIT_FETCH_H

#include <stdbool.h>

/* Read the environment: false if BenchFS is not in use. */
bool bfs_fetch_init(void);
/* Does path (relative: to the working directory) lie in BenchFS? */
bool bfs_fetch_owns(const char *path);
/* A descriptor of the file's data, or -errno. */
int bfs_fetch(const char *path);
/* Close the connection and all those descriptors. */
void bfs_fetch_end(void);

#endif
