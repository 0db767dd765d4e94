/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The answers that a session remembers, so that a request which is sent again
 * takes effect once (F2).  Owner thread only.
 */
#ifndef BFS_ANSWER_H
#define BFS_ANSWER_H

#include "server/session.h"

struct bfs_answer {
	uint64_t id;
	uint32_t status; /* as on the wire */
	bool passed;	 /* a descriptor went with it */
	uint64_t made;	 /* not 0: instead of the fields, what was made */
	uint32_t len, cap;
	uint8_t fields[]; /* what followed the reply's head */
};

/* NULL: not there (any more). */
const struct bfs_answer *bfs_answer_find(const struct bfs_session *sess,
					 uint64_t id);
/* The answer to that id was overwritten by a later one. */
bool bfs_answer_lost(const struct bfs_session *sess, uint64_t id);
/* 0 or -ENOMEM. */
int bfs_answer_keep(struct bfs_session *sess, uint64_t id, uint32_t status,
		    const void *fields, size_t len, bool passed);
/* Success of an open or mknod that made that inode; 0: of what has no fields.
 */
int bfs_answer_keep_made(struct bfs_session *sess, uint64_t id, uint64_t ino);
/* Where among the session's answers it is kept. */
unsigned bfs_answer_slot(const struct bfs_session *sess, uint64_t id);
/* c, which this answers, has changed something: into the journal, if there is
 * one (session_log.c). */
void bfs_session_note_answer(struct bfs_call *c, const struct bfs_answer *a);
/* Before there is an answer: c is to append there; c has, and this is what the
 * answer will say. */
struct bfs_append;
void bfs_session_note_append(struct bfs_call *c, const struct bfs_append *a);
void bfs_session_note_written(struct bfs_call *c, int status, uint32_t written,
			      uint64_t end);
/* The same for success of a call that a decision (tx_log.h) tells of. */
void bfs_session_note_made(struct bfs_session *sess, uint64_t id,
			   uint64_t made);
void bfs_answer_free_all(struct bfs_session *sess);

#endif
