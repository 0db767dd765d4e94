/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handlers that only count how often each request was executed, for tests of
 * what lies in front of them.  HELLO, CANCEL, STATS and LOCK are the real ones.
 */
#ifndef BFS_TESTS_FAKE_FS_H
#define BFS_TESTS_FAKE_FS_H

#include "server/server.h"

extern unsigned fake_effects[BFS_OP_LIMIT]; /* executions, by op */
extern int fake_result;			    /* what handlers answer */
extern struct bfs_call *fake_parked; /* set: fsync and write wait for it */
extern bool fake_park;
/* Called first; what it returns ends the call unless it is 0.  Or NULL. */
extern int (*fake_hook)(struct bfs_call *c);

/* A server with locks and no files. */
void fake_server_init(struct bfs_server *s);
void fake_server_fini(struct bfs_server *s);

#endif
