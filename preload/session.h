/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * This process's connection to the daemon: made at the first call, made anew
 * in a forked child and after a change of identity.
 */
#ifndef BFS_SESSION_H
#define BFS_SESSION_H

#include "core/rpc.h"

/* The client to call with, connected: 0; -EIO and a log line if not. */
int bfs_session(struct bfs_client **c);
/* The same, and connected now: the arena is mapped. */
int bfs_session_connect(struct bfs_client **c);
/* The connection over the local socket even when UCX is forced: DATAFD. */
int bfs_session_local(struct bfs_client **c);
/* getpid() without a call of the kernel, once there is a session. */
uint32_t bfs_session_pid(void);
/* The process's identity changed: connect anew at the next call (RULES 10). */
void bfs_session_renew(void);
/* For direct.c: a way past the node's daemon in the same session, not connected
 * yet. */
void bfs_session_way(struct bfs_client *c);
/* The number of the session; 0: there is none. */
uint64_t bfs_session_number(void);
/* Connections are made and given up between these two, with signals blocked.
 * False: this thread is there already, or no call has been made yet. */
bool bfs_session_lock(uint64_t *signals);
void bfs_session_unlock(const uint64_t *signals);
/* In there: c's is closed when no call uses it any more. */
void bfs_session_retire(struct bfs_client *c);
/* Has the daemon, when it was last asked, a journal? */
bool bfs_session_journal(void);
/* st_dev of data files. */
uint64_t bfs_session_data_dev(void);
/* Add this process's counters to the shared ones; at exit and exec. */
void bfs_session_report(void);

#endif
