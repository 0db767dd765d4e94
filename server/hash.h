/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uthash that survives a lack of memory: what HASH_ADD could not put in is in
 * no table, and bfs_hashed() says so.  As it comes, it ends the program.
 */
#ifndef BFS_HASH_H
#define BFS_HASH_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define bfs_hashed(p) ((p)->hh.tbl != NULL)

#endif
