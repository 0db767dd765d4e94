/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes: shared by the hooks that read and change them. */
#ifndef BFS_ATTR_H
#define BFS_ATTR_H

#include "core/proto.h"
#include "preload/path.h"

#include <sys/stat.h>

void bfs_attr_stat(const struct bfs_attr *a, struct stat *st);
int bfs_attr_handle(struct bfs_handle h, struct bfs_attr *a);

/* SETATTR of a place: 0, -errno, or 1: w leads out of BenchFS. */
int bfs_setattr(struct bfs_where *w, struct bfs_setattr_req *q);
int bfs_setattr_fd(int fd, struct bfs_setattr_req *q);

/* RLIMIT_FSIZE + 1, 0 for none: the room field of requests. */
uint64_t bfs_file_room(void);
/* What a call that was given room answers; EFBIG comes with its signal. */
long bfs_file_grown(long result, uint64_t room);

#endif
