/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions: who a client is, and what it was answered.  Owner thread only.
 */
#ifndef BFS_SESSION_H
#define BFS_SESSION_H

#include "server/serve.h"

#include <uthash.h>

/* A request was answered from memory; nothing is left to do. */
#define BFS_SESSION_REPLAYED 2

/* Answers kept per session for retries (F2); calls in flight are fewer. */
#define BFS_REMEMBERED 64

struct bfs_answer;

struct bfs_session {
	uint64_t id, ticket;
	uint32_t generation;
	pid_t pid; /* 0: not on this node */
	struct bfs_cred cred;
	struct bfs_answer *answers[BFS_REMEMBERED]; /* by id % BFS_REMEMBERED */
	struct bfs_call *parked; /* doubly linked (utlist DL_) */
	unsigned users; /* connections; the session ends with the last */
	UT_hash_handle hh;
};

/* A new session for a client with these credentials (copied). */
struct bfs_session *bfs_session_new(struct bfs_server *s, pid_t pid,
				    const struct bfs_cred *cred);
struct bfs_session *bfs_session_find(struct bfs_server *s, uint64_t id);
/* One connection less; the last one cancels parked calls, drops the POSIX
 * locks of the process and frees the session. */
void bfs_session_put(struct bfs_server *s, struct bfs_session *sess);

/*
 * Check head.session, ticket and generation against c->session (found here
 * for ports that have no connection of their own).  0, -ESTALE for an older
 * generation, -EACCES, or BFS_SESSION_REPLAYED: reply() has been called with
 * the remembered answer.
 */
int bfs_session_admit(struct bfs_call *c);
/* Keep the answer of a ONCE call. */
void bfs_session_remember(struct bfs_call *c, int status);

/* That process has ended: release its POSIX locks (serve_lock.c). */
void bfs_serve_process_gone(struct bfs_server *s, pid_t pid);

void bfs_session_park(struct bfs_call *c);
void bfs_session_unpark(struct bfs_call *c);

#endif
