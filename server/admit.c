/* SPDX-License-Identifier: BSD-3-Clause */
/* Which requests are served, and which have been already. */
#include "core/log.h"
#include "core/util.h"
#include "server/answer.h"
#include "server/inode.h"
#include "server/session.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* The handle that the first answer gave. */
static int handle_of(const struct bfs_call *c, const struct bfs_answer *a,
		     struct bfs_handle *h)
{
	struct bfs_open_rep rep;
	struct bfs_wire w;
	int r;

	if (a->made) {
		*h = bfs_handle_make(bfs_call_fs(c), a->made, BFS_RIGHT_PATH);
		return 0;
	}
	bfs_wire_init(&w, a->fields, a->len);
	r = bfs_open_rep_get(&w, &rep);
	*h = rep.handle;
	return r;
}

/*
 * An open that passed a descriptor, or of which only the inode is known, cannot
 * be answered from memory: open the same inode again, whose mode may forbid it
 * to others.
 */
static int reopen(struct bfs_call *c, const struct bfs_answer *a)
{
	struct bfs_open_req req;
	struct bfs_handle h;
	struct bfs_wire w;
	int r = handle_of(c, a, &h);

	bfs_wire_init(&w, c->req + BFS_REQ_HEAD_LEN,
		      c->req_len - BFS_REQ_HEAD_LEN);
	if (!r)
		r = bfs_open_req_get(&w, &req);
	if (r)
		return r;
	c->reopens = true;
	req.at = h;
	req.path = BFS_STR("");
	if ((req.oflags & O_TMPFILE) == O_TMPFILE)
		req.oflags &= ~(uint32_t)O_TMPFILE;
	req.oflags &= ~(uint32_t)(O_CREAT | O_EXCL | O_TRUNC);
	bfs_wire_init(&w, c->req + BFS_REQ_HEAD_LEN,
		      c->req_len - BFS_REQ_HEAD_LEN);
	return bfs_open_req_put(&w, &req);
}

/* As it is now; of one that is gone already, its number. */
static void put_made(struct bfs_call *c, uint64_t ino)
{
	struct bfs_fs *fs = bfs_call_fs(c);
	struct bfs_mknod_rep rep = { .attr.ino = ino };
	struct bfs_inode *i = bfs_inode_here(fs, ino);
	struct bfs_wire w = bfs_call_fields(c);

	if (i)
		(void)bfs_inode_attr(fs, i, &rep.attr);
	bfs_mknod_rep_put(&w, &rep);
	bfs_call_fields_end(c, &w);
}

static int replay(struct bfs_call *c, const struct bfs_answer *a)
{
	if ((a->passed || a->made) && c->head.op == BFS_OP_OPEN)
		return reopen(c, a);
	bfs_call_put_head(c, a->status);
	memcpy(c->rep + BFS_REP_HEAD_LEN, a->fields, a->len);
	c->rep_len = BFS_REP_HEAD_LEN + a->len;
	if (a->made)
		put_made(c, a->made);
	bfs_call_send(c);
	return BFS_SESSION_REPLAYED;
}

int bfs_session_repeated(struct bfs_call *c)
{
	struct bfs_session *sess = c->session;
	struct bfs_call *old = bfs_session_parked(sess, c->head.id);
	const struct bfs_answer *a = bfs_answer_find(sess, c->head.id);

	if (old) {
		bfs_session_adopt(old, c);
		return BFS_SESSION_REPLAYED;
	}
	if (a)
		return replay(c, a);
	if ((c->head.id <= sess->resumed_id || sess->is_peer) &&
	    bfs_answer_lost(sess, c->head.id)) {
		bfs_log(error,
			"%s: request %llu came again, and its answer is not "
			"remembered any more",
			bfs_op_name(c->head.op),
			(unsigned long long)c->head.id);
		return -EIO;
	}
	return 0;
}

static int identify(struct bfs_call *c)
{
	if (!c->session) {
		c->session = bfs_session_find(c->server, c->head.session);
		if (!c->session || c->session->ticket != c->head.ticket)
			return -EACCES;
		c->cred = &c->session->cred;
	}
	return c->head.session == c->session->id ? 0 : -EACCES;
}

static int check_generation(const struct bfs_call *c)
{
	bool attached = c->port->ops->attach && !c->session->is_peer;
	uint32_t now = attached ? c->session->attached_generation
				: c->session->generation;

	if (c->head.generation == now)
		return 0;
	bfs_log(info, "%s refused: it is of generation %u, the session in %u",
		bfs_op_name(c->head.op), c->head.generation, now);
	return c->session->is_peer ? -ENOTCONN : -ESTALE;
}

/*
 * A client of another node that has come by itself.  Nothing begins that it has
 * given up: by then it may have asked for something else in another way (R26).
 */
static int admit_far(struct bfs_call *c)
{
	if (!c->session->far)
		return 0;
	c->head.deadline_ms = bfs_session_left(c->head.deadline_ms);
	if (c->head.op != BFS_OP_READ && c->head.op != BFS_OP_WRITE)
		return -EPERM;
	return c->head.deadline_ms ? 0 : -ETIMEDOUT;
}

static void note(struct bfs_session *sess, uint64_t id)
{
	sess->last_id = BFS_MAX(sess->last_id, id);
	if (!sess->users) /* it comes by an attached port only */
		sess->idle_since = bfs_now();
}

int bfs_session_admit(struct bfs_call *c)
{
	int r;

	if (c->head.op == BFS_OP_HELLO || c->head.op == BFS_OP_PEERHELLO)
		return 0; /* its handler finds out */
	r = identify(c);
	if (!r)
		r = check_generation(c);
	if (!r)
		r = admit_far(c);
	if (r) {
		c->session = NULL; /* a refusal is no answer to remember */
		return r;
	}
	c->peer = c->session->is_peer ? (int)c->session->shard : -1;
	note(c->session, c->head.id);
	if (bfs_op_flags(c->head.op) == BFS_RPC_PURE)
		return 0;
	return bfs_session_repeated(c);
}

/* Who forwarded it, if somebody did, may have sent it in another message. */
static void answer_heir(const struct bfs_call *c, int status)
{
	struct bfs_call *h = c->heir;

	memcpy(h->rep, c->rep, c->rep_len);
	h->rep_len = c->rep_len;
	bfs_call_put_head(h, (uint32_t)-status);
	h->in_len = 0; /* no ONCE call answers with bulk */
	h->pass_fd = c->pass_fd < 0 ? -1 : dup(c->pass_fd);
	bfs_call_send(h);
}

void bfs_session_remember(struct bfs_call *c, int status)
{
	if (c->heir)
		answer_heir(c, status);
	c->heir = NULL;
	if (!c->session || bfs_op_flags(c->head.op) == BFS_RPC_PURE)
		return;
	if (bfs_answer_keep(c->session, c->head.id, (uint32_t)-status,
			    c->rep + BFS_REP_HEAD_LEN,
			    c->rep_len - BFS_REP_HEAD_LEN, c->pass_fd >= 0))
		bfs_log(error, "out of memory: an answer is not remembered");
	else
		bfs_session_note_answer(
			c, bfs_answer_find(c->session, c->head.id));
}
