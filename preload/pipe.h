/* SPDX-License-Identifier: BSD-3-Clause */
/* A pipe between us and a child of ours (ops_fork.c). */
#ifndef BFS_PIPE_H
#define BFS_PIPE_H

/* Both ends out of the program's way, and gone at exec.  0 or -errno. */
int bfs_pipe_open(int ends[2]);
void bfs_pipe_close(int fd);

#endif
