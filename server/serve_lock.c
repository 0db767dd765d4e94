/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/serve_lock.h"

#include "core/log.h"
#include "core/util.h"
#include "server/arena.h"
#include "server/deadlock.h"
#include "server/far.h"
#include "server/fs.h"
#include "server/journal.h"
#include "server/lock.h"
#include "server/process.h"
#include "server/route.h"
#include "server/session.h"

#include <errno.h>
#include <fcntl.h>

#define LOCKS_MAX 262144u
/*
 * A description that ends tells nobody (RULES 1), so while somebody waits, its
 * obstacles are looked at this often.
 */
#define SWEEP_NS 20000000u
#define OWNERS_ASKED 1024 /* one after the other, for one call */

static void set_timer(struct bfs_server *s)
{
	bool wanted = bfs_lock_waiting(s->locks) > 0;

	if (s->loop && wanted != (s->lock_timer.at != 0))
		bfs_loop_timer(s->loop, &s->lock_timer,
			       wanted ? bfs_now() + SWEEP_NS : 0);
}

static void on_timer(struct bfs_timer *t)
{
	struct bfs_server *s = t->arg;

	s->sweeping = true;
	bfs_lock_sweep(s->locks);
	s->sweeping = false;
	bfs_deadlock_look(s);
	set_timer(s);
}

static void on_done(void *cookie, int status)
{
	struct bfs_call *c = cookie;
	struct bfs_wire w = bfs_call_fields(c);

	c->parked = NULL;
	c->cancel = NULL;
	bfs_lock_rep_put(&w, &(struct bfs_lock_rep){ .type = F_UNLCK });
	bfs_call_fields_end(c, &w);
	bfs_call_finish(c, status);
}

/* A POSIX owner that is no process of this node, but a session. */
#define ELSEWHERE (1ull << 63)

/*
 * Is the process, or the open file description, still there?  A request may
 * overtake the news of a death, so the kernel is asked (RULES 1).
 */
static bool alive(void *arg, uint64_t ino, const struct bfs_lock_owner *o)
{
	struct bfs_server *s = arg;
	uint32_t slot = (uint32_t)o->id, gen = (uint32_t)(o->id >> 32);
	uint32_t uid = o->uid;

	if (o->node != s->shard) { /* its daemon tells us, if we ask */
		if (s->sweeping)
			bfs_far_ask_owner(s, ino, o);
		return true;
	}
	if (o->space == BFS_LOCK_POSIX)
		return o->id & ELSEWHERE || bfs_process_lives(s, (pid_t)o->id);
	if (!bfs_arenas_signer(s->arenas, &uid, &slot, &gen))
		return false;
	return bfs_arenas_alive(s->arenas, uid, slot, gen) ||
	       bfs_fs_slot_locked(s->fs, ino, uid, slot);
}

static void changed(void *arg, uint64_t ino, const struct bfs_lock_range *r,
		    bool held)
{
	const struct bfs_server *s = arg;
	struct bfs_rec_lock rec = { .ino = ino,
				    .space = r->owner.space,
				    .node = r->owner.node,
				    .uid = r->owner.uid,
				    .id = r->owner.id,
				    .start = r->start,
				    .end = r->end,
				    .type = r->type,
				    .pid = r->pid };

	if (!s->journal)
		return;
	if (held)
		bfs_journal_add_lock(s->journal, &rec);
	else
		bfs_journal_gone_lock(s->journal, &rec);
}

static void restore(void *arg, const struct bfs_record *rec)
{
	const struct bfs_rec_lock *l = &rec->lock;
	struct bfs_server *s = arg;
	const struct bfs_lock_range r = { .owner = { .space = l->space,
						     .node = l->node,
						     .uid = l->uid,
						     .id = l->id },
					  .start = l->start,
					  .end = l->end,
					  .type = l->type,
					  .pid = l->pid };

	if (bfs_lock_restore(s->locks, l->ino, &r))
		bfs_log(error, "a lock on %016lx is lost: no memory", l->ino);
}

void bfs_serve_lock_restore(struct bfs_server *s)
{
	struct bfs_journal *j = s->journal;

	s->journal = NULL; /* it has them */
	bfs_journal_each(j, BFS_RECORD_LOCK, restore, s);
	s->journal = j;
}

int bfs_serve_lock_start(struct bfs_server *s)
{
	s->lock_timer = (struct bfs_timer){ .fn = on_timer, .arg = s };
	s->locks =
		bfs_lock_table_new(&(struct bfs_lock_ops){ .done = on_done,
							   .alive = alive,
							   .changed = changed,
							   .arg = s },
				   LOCKS_MAX);
	return s->locks ? 0 : -ENOMEM;
}

void bfs_serve_lock_stop(struct bfs_server *s)
{
	if (s->loop)
		bfs_loop_timer(s->loop, &s->lock_timer, 0);
	bfs_lock_table_free(s->locks);
	s->locks = NULL;
	bfs_far_owners_free(s);
}

/* Who holds a POSIX lock: the process, whatever it execs or whoever it
 * becomes; of a client that is on no node of ours, its session. */
static struct bfs_lock_owner process_owner(const struct bfs_session *sess)
{
	const struct bfs_server *s = sess->server;

	if (sess->far)
		return (struct bfs_lock_owner){ .space = BFS_LOCK_POSIX,
						.id = (uint64_t)sess->far_pid,
						.node = sess->node };
	return (struct bfs_lock_owner){ .space = BFS_LOCK_POSIX,
					.id = sess->pid ? (uint64_t)sess->pid
							: sess->id | ELSEWHERE,
					.node = s->shard };
}

void bfs_serve_session_gone(struct bfs_session *sess)
{
	struct bfs_lock_owner o = process_owner(sess);

	if (!sess->pid && !sess->far) /* else the process may live on */
		bfs_lock_drop(sess->server->locks, &o);
}

void bfs_serve_process_gone(struct bfs_server *s, pid_t pid)
{
	struct bfs_lock_owner o = { .space = BFS_LOCK_POSIX,
				    .id = (uint64_t)pid,
				    .node = s->shard };

	bfs_far_gone(s, pid);
	bfs_session_process_gone(s, pid);
	bfs_lock_drop(s->locks, &o);
	bfs_lock_sweep(s->locks); /* its descriptions may have ended too */
	set_timer(s);
}

/* fcntl(2): a shared lock needs a descriptor open for reading, an exclusive
 * one for writing.  flock(2) takes any. */
static int check_rights(const struct bfs_lock_req *req)
{
	uint32_t need = req->type == F_RDLCK   ? BFS_RIGHT_READ
			: req->type == F_WRLCK ? BFS_RIGHT_WRITE
					       : 0;

	if (req->handle.rights & BFS_RIGHT_PATH)
		return -EBADF;
	if (req->space == BFS_LOCK_FLOCK || req->flags & BFS_LOCK_TEST)
		need = 0;
	return (req->handle.rights & need) == need ? 0 : -EBADF;
}

static int check(const struct bfs_call *c, const struct bfs_lock_req *req)
{
	int r = bfs_fs_check(c->server->fs, req->handle);

	if (r)
		return r;
	if (req->space > BFS_LOCK_FLOCK || req->type > F_UNLCK ||
	    req->start >= req->end)
		return -EINVAL;
	if (req->flags & BFS_LOCK_TEST &&
	    (req->space == BFS_LOCK_FLOCK || req->type == F_UNLCK))
		return -EINVAL;
	if (req->space != BFS_LOCK_POSIX &&
	    req->arena_slot >= BFS_ARENA_RECORDS)
		return -EBADF;
	r = check_rights(req);
	/* The kernel keeps the locks of those who had the file open before. */
	if (!r && !(req->handle.rights & BFS_RIGHT_LOCK))
		r = -ENOLCK;
	return r;
}

/*
 * A description is its opener's, whoever has it now: slots are counted for
 * each user, and a process may have become another one since.  0; -EBADF: there
 * is no such arena.
 */
static int opener(const struct bfs_call *c, const struct bfs_lock_req *req,
		  uint32_t *uid)
{
	*uid = c->cred->uid;
	/* The client's own daemon has looked (bfs_serve_lock_passed_on). */
	if (req->space == BFS_LOCK_POSIX || !req->arena || c->origin.forwarded)
		return 0;
	return bfs_arenas_owner(c->server->arenas, req->arena, uid) ? 0
								    : -EBADF;
}

int bfs_serve_lock_passed_on(struct bfs_call *c)
{
	struct bfs_lock_req req;
	struct bfs_wire w;
	int r;

	bfs_wire_init(&w, c->req + BFS_REQ_HEAD_LEN,
		      c->req_len - BFS_REQ_HEAD_LEN);
	r = bfs_lock_req_get(&w, &req);
	return r ? r : opener(c, &req, &c->where.uid);
}

static struct bfs_lock_range
range_of(const struct bfs_call *c, const struct bfs_lock_req *req, uint32_t uid)
{
	struct bfs_lock_range r = { .start = req->start,
				    .end = req->end,
				    .type = req->type,
				    .pid = req->pid };

	if (req->space == BFS_LOCK_POSIX) {
		r.owner = process_owner(c->session);
		return r;
	}
	if (req->space == BFS_LOCK_FLOCK) {
		r.start = 0;
		r.end = UINT64_MAX;
	}
	r.owner.space = req->space;
	r.owner.uid = uid;
	r.owner.node = bfs_route_node(c);
	r.owner.id = req->arena_slot | (uint64_t)req->slot_gen << 32;
	r.pid = UINT32_MAX; /* as Linux: -1 */
	return r;
}

static void forget(struct bfs_call *c)
{
	bfs_lock_cancel(c->server->locks, c->parked);
	c->parked = NULL;
	set_timer(c->server);
}

static void move(struct bfs_call *c, struct bfs_call *to)
{
	to->parked = c->parked;
	c->parked = NULL;
	bfs_lock_move(to->parked, to);
}

static int set(struct bfs_call *c, uint64_t ino,
	       const struct bfs_lock_range *want, bool block)
{
	struct bfs_lock_wait *wait;
	int r;

	if (block && bfs_session_full(c->session)) {
		bfs_log(warn, "process %d waits for too many locks at once",
			c->session->pid);
		return -ENOLCK;
	}
	r = bfs_lock_set(c->server->locks, ino, want, block ? c : NULL, &wait);
	if (r != BFS_LOCK_WAITING)
		return r;
	c->parked = wait;
	c->cancel = forget;
	c->move = move;
	bfs_session_park(c);
	set_timer(c->server);
	bfs_deadlock_look(c->server);
	return BFS_LATER;
}

/*
 * Before anybody is told of a lock in his way that a client of another node
 * has: that node's daemon says whether the client still exists.
 */
static int settle(struct bfs_call *c, struct bfs_handle h,
		  const struct bfs_lock_range *want)
{
	struct bfs_server *s = c->server;
	struct bfs_lock_owner last = { .node = s->shard };
	struct bfs_lock_range found;
	int r = 0;

	for (unsigned n = 0; !r && n < OWNERS_ASKED; n++) {
		bfs_lock_test(s->locks, h.ino, want, &found);
		if (found.type == F_UNLCK || found.owner.node == s->shard ||
		    bfs_lock_same_owner(&found.owner, &last))
			return 0;
		last = found.owner;
		r = bfs_far_owner_lives(c, h.ino, &last);
		if (r < 0)
			return r;
		/* Much may have happened meanwhile. */
		r = c->session->gone ? -EINTR : bfs_fs_check(s->fs, h);
	}
	return r;
}

int bfs_serve_gone(struct bfs_call *c, const struct bfs_gone_req *req,
		   struct bfs_gone_rep *rep)
{
	bfs_serve_far_gone(c->server, (unsigned)c->peer, (pid_t)req->pid);
	return 0;
}

void bfs_serve_far_gone(struct bfs_server *s, unsigned node, pid_t pid)
{
	struct bfs_lock_owner o = { .space = BFS_LOCK_POSIX,
				    .id = (uint64_t)pid,
				    .node = node };

	bfs_session_far_gone(s, node, pid);
	bfs_lock_drop(s->locks, &o);
	set_timer(s);
}

void bfs_serve_lock_far_dead(struct bfs_server *s,
			     const struct bfs_lock_owner *o)
{
	bfs_lock_drop(s->locks, o);
	set_timer(s);
}

/* As of ceph in Linux: below 0 if it is a process of another node. */
static uint32_t pid_told(const struct bfs_call *c,
			 const struct bfs_lock_range *found)
{
	bool far = found->type != F_UNLCK &&
		   found->owner.space == BFS_LOCK_POSIX &&
		   found->owner.node != bfs_route_node(c);

	return far ? -found->pid : found->pid;
}

int bfs_serve_lock(struct bfs_call *c, const struct bfs_lock_req *req,
		   struct bfs_lock_rep *rep)
{
	struct bfs_lock_range want, found = { .type = F_UNLCK };
	struct bfs_server *s = c->server;
	uint32_t uid;
	int r = check(c, req);

	if (!r)
		r = opener(c, req, &uid);
	if (r)
		return r;
	want = range_of(c, req, uid);
	if (s->nshards > 1 && req->type != F_UNLCK)
		r = settle(c, req->handle, &want);
	if (r)
		return r;
	if (req->flags & BFS_LOCK_TEST)
		bfs_lock_test(s->locks, req->handle.ino, &want, &found);
	else
		r = set(c, req->handle.ino, &want, req->flags & BFS_LOCK_BLOCK);
	rep->type = found.type;
	rep->start = found.start;
	rep->end = found.end;
	rep->pid = pid_told(c, &found);
	return r;
}
