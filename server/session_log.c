/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions and their answers in the journal, so that a request which is sent
 * again after a restart takes effect once (RULES 26-28).  Owner thread only.
 */
#include "server/answer.h"
#include "server/append.h"
#include "server/journal.h"
#include "server/process.h"
#include "server/server.h"
#include "server/session.h"

#include "core/kill.h"
#include "core/log.h"
#include "core/util.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* After it came back, what a client may need to send a call again. */
#define REPEAT_NS 3000000000u

enum kind { KIND_LOCAL, KIND_FAR, KIND_PEER };

/* passed of ANSWER: not fields, but the inode that was made; or where an
 * append begins that has not been answered. */
#define PASSED_MADE 2u
#define PASSED_APPEND 3u

void bfs_session_note(struct bfs_session *sess)
{
	struct bfs_journal *j = sess->server->journal;
	struct bfs_rec_session r = { .id = sess->id,
				     .ticket = sess->ticket,
				     .uid = sess->cred.uid,
				     .gid = sess->cred.gid };

	if (!j || sess->noted)
		return;
	sess->noted = true;
	if (sess->is_peer) {
		r.kind = KIND_PEER;
		r.node = sess->shard;
		r.started = sess->incarnation;
	} else if (sess->far) {
		r.kind = KIND_FAR;
		r.node = sess->node;
		r.pid = (uint32_t)sess->far_pid;
	} else {
		r.kind = KIND_LOCAL;
		r.pid = (uint32_t)sess->pid;
		r.started = bfs_process_mark(sess->server, sess->pid);
		r.groups = (struct bfs_str){
			(const char *)sess->cred.groups,
			sess->cred.ngroups *
				(uint32_t)sizeof(*sess->cred.groups)
		};
	}
	bfs_journal_add_session(j, &r);
}

void bfs_session_note_gone(struct bfs_session *sess)
{
	if (sess->server->journal && sess->noted)
		bfs_journal_gone_session(
			sess->server->journal,
			&(struct bfs_rec_session){ .id = sess->id });
}

void bfs_session_note_answer(struct bfs_call *c, const struct bfs_answer *a)
{
	struct bfs_journal *j = c->server->journal;

	if (!j || !a || j->changes == c->changes)
		return;
	bfs_session_note(c->session);
	bfs_journal_add_answer(
		j, &(struct bfs_rec_answer){
			   .session = c->session->id,
			   .slot = bfs_answer_slot(c->session, a->id),
			   .id = a->id,
			   .status = a->status,
			   .passed = a->passed,
			   .fields = { (const char *)a->fields, a->len } });
	BFS_KILL_POINT(answer_noted);
}

/* Of a call that has not been answered yet. */
static void note_early(struct bfs_call *c, int status, uint32_t passed,
		       const uint8_t *buf, const struct bfs_wire *w)
{
	bfs_session_note(c->session);
	bfs_journal_add_answer(
		c->server->journal,
		&(struct bfs_rec_answer){
			.session = c->session->id,
			.slot = bfs_answer_slot(c->session, c->head.id),
			.id = c->head.id,
			.status = (uint32_t)-status,
			.passed = passed,
			.fields = { (const char *)buf,
				    (uint32_t)(w->pos - buf) } });
}

void bfs_session_note_append(struct bfs_call *c, const struct bfs_append *a)
{
	uint8_t buf[sizeof(*a)];
	struct bfs_wire w;

	bfs_wire_init(&w, buf, sizeof(buf));
	bfs_put_u64(&w, a->ino);
	bfs_put_u64(&w, a->offset);
	bfs_put_u64(&w, a->end);
	bfs_put_u64(&w, a->boot);
	note_early(c, 0, PASSED_APPEND, buf, &w);
}

void bfs_session_note_written(struct bfs_call *c, int status, uint32_t written,
			      uint64_t end)
{
	uint8_t buf[64];
	struct bfs_wire w;

	bfs_wire_init(&w, buf, sizeof(buf));
	if (!status)
		bfs_write_rep_put(&w, &(struct bfs_write_rep){
					      .written = written, .end = end });
	note_early(c, status, 0, buf, &w);
}

void bfs_session_note_made(struct bfs_session *sess, uint64_t id, uint64_t made)
{
	struct bfs_journal *j = sess->server->journal;
	uint8_t field[sizeof(made)];
	struct bfs_wire w;

	sess->last_id = BFS_MAX(sess->last_id, id);
	sess->resumed_id = sess->last_id;
	bfs_wire_init(&w, field, sizeof(field));
	bfs_put_u64(&w, made);
	bfs_journal_add_answer(
		j, &(struct bfs_rec_answer){
			   .session = sess->id,
			   .slot = bfs_answer_slot(sess, id),
			   .id = id,
			   .passed = made ? PASSED_MADE : 0,
			   .fields = { (const char *)field,
				       made ? sizeof(field) : 0 } });
}

static struct bfs_session *restore_local(struct bfs_server *s,
					 const struct bfs_rec_session *r)
{
	struct bfs_cred cred = { .uid = r->uid,
				 .gid = r->gid,
				 .ngroups = r->groups.len /
					    (uint32_t)sizeof(uint32_t) };
	struct bfs_session *sess;

	cred.groups = malloc(r->groups.len + 1);
	if (!cred.groups)
		return NULL;
	memcpy(cred.groups, r->groups.ptr, r->groups.len);
	sess = bfs_session_again(s, r->id, r->ticket, (pid_t)r->pid, &cred);
	free(cred.groups);
	if (!sess)
		return NULL;
	sess->started = r->started;
	/* Any of them may know it; who does not is told in vain. */
	for (unsigned n = 0; n < s->nshards; n++)
		if (n != s->shard)
			bfs_shards_add(&sess->used, n);
	return sess;
}

static void restore(void *arg, const struct bfs_record *rec)
{
	const struct bfs_rec_session *r = &rec->session;
	struct bfs_server *s = arg;
	struct bfs_session *sess = NULL;

	if (bfs_session_find(s, r->id))
		return;
	if (r->kind == KIND_PEER)
		sess = bfs_session_new_peer(s, r->id, r->ticket, r->node,
					    r->started);
	else if (r->kind == KIND_FAR)
		sess = bfs_session_far(s, r->id, r->node, (pid_t)r->pid);
	else
		sess = restore_local(s, r);
	if (sess)
		sess->noted = true;
	else
		bfs_log(error, "session %016" PRIx64 " is lost: no memory",
			r->id);
}

static int keep_answer(struct bfs_session *sess, const struct bfs_rec_answer *r)
{
	struct bfs_wire w;

	if (r->passed != PASSED_MADE)
		return bfs_answer_keep(sess, r->id, r->status, r->fields.ptr,
				       r->fields.len, r->passed);
	bfs_wire_init(&w, r->fields.ptr, r->fields.len);
	return bfs_answer_keep_made(sess, r->id, bfs_get_u64(&w));
}

/* A later start must not do that to what has been written since. */
static void undo(struct bfs_server *s, const struct bfs_rec_answer *r)
{
	struct bfs_append a;
	struct bfs_wire w;

	bfs_wire_init(&w, r->fields.ptr, r->fields.len);
	a.ino = bfs_get_u64(&w);
	a.offset = bfs_get_u64(&w);
	a.end = bfs_get_u64(&w);
	a.boot = bfs_get_u64(&w);
	if (!bfs_wire_end(&w))
		bfs_append_undo(s->fs, &a);
	bfs_journal_gone_answer(s->journal, r);
}

static void restore_answer(void *arg, const struct bfs_record *rec)
{
	const struct bfs_rec_answer *r = &rec->answer;
	struct bfs_session *sess = bfs_session_find(arg, r->session);

	if (r->passed == PASSED_APPEND) {
		undo(arg, r);
		return;
	}
	if (!sess)
		return;
	if (keep_answer(sess, r))
		bfs_log(error, "an answer is lost: no memory");
	sess->last_id = BFS_MAX(sess->last_id, r->id);
	sess->resumed_id = sess->last_id;
}

void bfs_session_restore(struct bfs_server *s)
{
	bfs_journal_each(s->journal, BFS_RECORD_SESSION, restore, s);
	bfs_journal_each(s->journal, BFS_RECORD_ANSWER, restore_answer, s);
}

void bfs_session_watch(struct bfs_server *s, struct bfs_port_local *p)
{
	uint64_t until = bfs_now() +
			 (uint64_t)s->config.network.timeout_secs * 1000000000u;
	struct bfs_session *sess, *next;

again:
	HASH_ITER(hh, s->sessions, sess, next)
	{
		pid_t pid = sess->pid;

		if (!pid || sess->users)
			continue;
		/* Another process may have the number by now. */
		if (bfs_process_mark(s, pid) == sess->started &&
		    bfs_process_get(p, pid)) {
			sess->awaited_until = until;
			s->awaits = true;
			continue;
		}
		bfs_serve_process_gone(s, pid);
		goto again; /* it may have had several */
	}
}

void bfs_session_is_back(struct bfs_server *s, pid_t pid)
{
	uint64_t until = bfs_now() + REPEAT_NS;
	struct bfs_session *sess, *next;

	if (!s->awaits || !pid)
		return;
	HASH_ITER(hh, s->sessions, sess, next)
	if (sess->pid == pid)
		sess->awaited_until = BFS_MIN(sess->awaited_until, until);
}

bool bfs_session_awaited(struct bfs_server *s)
{
	uint64_t now = bfs_now();
	struct bfs_session *sess, *next;

	if (!s->awaits)
		return false;
	HASH_ITER(hh, s->sessions, sess, next)
	if (now < sess->awaited_until)
		return true;
	s->awaits = false;
	return false;
}
