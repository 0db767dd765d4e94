/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The checkpoint's LMDB file: the last record of each key, with a checksum.
 * One process at a time has it open (map.lock).  Errors are logged here.
 */
#ifndef BFS_MAP_H
#define BFS_MAP_H

#include "server/jlog.h"

struct bfs_map;

/*
 * Open for reading, or for writing too (then it is made).  seq: the last frame
 * that is in it.  0; -ENOENT: there is none; -EUCLEAN: it is not what was
 * written; -EBUSY: another process does not let go of it; -errno.
 */
int bfs_map_open(struct bfs_map **m, const struct bfs_jlog_conf *conf,
		 bool write, uint64_t *seq);
void bfs_map_close(struct bfs_map *m);

/* Each record.  0, -EUCLEAN, or fn's error. */
int bfs_map_each(struct bfs_map *m,
		 int (*fn)(void *arg, const struct bfs_record *r), void *arg);

/* A record, or its end.  0 or -errno. */
int bfs_map_put(struct bfs_map *m, const struct bfs_record *r);
/* All of it is on disk, and frame seq is the last that is in it. */
int bfs_map_commit(struct bfs_map *m, uint64_t seq);
/* Nothing more is written: note the file's checksum, and take space for the
 * next time. */
int bfs_map_seal(struct bfs_map *m, size_t reserve);

#endif
