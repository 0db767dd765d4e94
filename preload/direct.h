/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program that moves much data of other nodes' files goes to their daemons by
 * itself, over a UCX of its own (docs/scaling.md says from when on that is
 * worth it); all else, and all that does not work there, goes by the node's
 * daemon. Not in the child of a fork of a process that has UCX open.  Any
 * thread.
 */
#ifndef BFS_PRELOAD_DIRECT_H
#define BFS_PRELOAD_DIRECT_H

#include "core/rpc.h"

/*
 * With whom to READ or WRITE at that offset, once connected with bfs_session();
 * NULL: the node's daemon.  *n: what of so many bytes is theirs.
 */
struct bfs_client *bfs_direct(struct bfs_handle h, uint64_t offset, bool write,
			      bool append, size_t *n);
/* So many bytes have gone by c. */
void bfs_direct_moved(const struct bfs_client *c, bool write, size_t n);
/* Is UCX open in this process, or has it been? */
bool bfs_direct_opened(void);
/* At any call: ways that were not used for a while are closed.  Of a program
 * that makes no call their connections end a little later (ucx_idle.c). */
void bfs_direct_look(void);
/* In bfs_session_lock(): all ways end, because the session does; or because
 * this is a forked child. */
void bfs_direct_drop(bool forked);

#endif
