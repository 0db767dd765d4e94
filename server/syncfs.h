/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * syncfs may take seconds, and io_uring has none: so a process of its own does
 * it, and the daemon goes on serving.  One at a time, for all who have asked
 * before it began.  Owner thread only.
 */
#ifndef BFS_SYNCFS_H
#define BFS_SYNCFS_H

struct bfs_server;

/* All of the file system that the data lies on.  0, -errno, -BFS_NEED_FIBER. */
int bfs_syncfs(struct bfs_server *s);
/* The daemon stops: who waits is answered, after a plain call. */
void bfs_syncfs_free(struct bfs_server *s);
/* That process, `benchfsd --syncfs PARENT`; the descriptor is its number 3. */
int bfs_syncfs_main(const char *parent);

#endif
