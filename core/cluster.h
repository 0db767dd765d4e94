/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registry directory of a cluster: the files `cluster` (the list, as text)
 * and `secret` (mode 0600), and a record of each member, `<member>.addr`.  All
 * of them are written under another name first (C3).  Not thread-safe.
 */
#ifndef BFS_CLUSTER_H
#define BFS_CLUSTER_H

#include "core/members.h"

/*
 * Write the list.  The list must be sorted.  Replaces one that is there.
 * 0 or -errno.
 */
int bfs_cluster_write(const struct bfs_members *l, const char *dir, char *err);
/* Read it, its secret too.  -ENOENT: there is none. */
int bfs_cluster_read(struct bfs_members *l, const char *dir, char *err);

/* A new secret: into the file, and to secret.  -EEXIST: there is one. */
int bfs_secret_make(const char *path, uint8_t secret[BFS_SECRET_LEN],
		    char *err);
/* Read it; refused if others can. */
int bfs_secret_read(const char *path, uint8_t secret[BFS_SECRET_LEN],
		    char *err);

/* Write a file whole or not at all; mode is what it gets. */
int bfs_file_replace(const char *path, const void *data, size_t len,
		     unsigned mode, char *err);
/* All of a file, allocated, with a 0 behind it; of at most max bytes. */
int bfs_file_read(const char *path, void **data, size_t *len, size_t max,
		  char *err);

/* Remove all records: no member may be alive. */
int bfs_registry_clear(const char *dir, char *err);

#endif
