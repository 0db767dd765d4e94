/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UCX has a thread that accepts connections.  A forked child has no such
 * thread, and UCX cannot be told to make one again: there the thread that
 * waits for an answer does its work.  Under the client's lock.
 */
#ifndef BFS_UCX_ASYNC_H
#define BFS_UCX_ASYNC_H

/* UCX was opened in a forked child: find what its thread would wait for. */
void bfs_ucx_async_find(void);
/* Readable when there is something to serve; -1: UCX's thread sees to it. */
int bfs_ucx_async_fd(void);
/* Do what there is to do, never blocks. */
void bfs_ucx_async_serve(void);
/* In a forked child: let go of the parent's. */
void bfs_ucx_async_forget(void);

#endif
