/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/session.h"

#include "core/log.h"
#include "core/stats.h"
#include "core/util.h"
#include "server/answer.h"
#include "server/server.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <utlist.h>

/* Sweep each time that so many more sessions have come. */
#define SWEEP_EVERY 256

struct bfs_session *bfs_session_find(struct bfs_server *s, uint64_t id)
{
	struct bfs_session *sess;

	HASH_FIND(hh, s->sessions, &id, sizeof(id), sess);
	return sess;
}

/* Numbers that nobody can guess, not 0; the first is not in use. */
static int random_ids(struct bfs_server *s, uint64_t ids[2])
{
	do {
		if (getrandom(ids, 2 * sizeof(*ids), 0) != 2 * sizeof(*ids))
			return -EIO;
	} while (!ids[0] || !ids[1] || bfs_session_find(s, ids[0]));
	return 0;
}

static int copy_cred(struct bfs_cred *to, const struct bfs_cred *from)
{
	*to = *from;
	to->groups = malloc((from->ngroups + 1) * sizeof(*to->groups));
	if (!to->groups)
		return -ENOMEM;
	if (from->ngroups)
		memcpy(to->groups, from->groups,
		       from->ngroups * sizeof(*to->groups));
	return 0;
}

static struct bfs_session *add(struct bfs_server *s, uint64_t id,
			       uint64_t ticket, const struct bfs_cred *cred)
{
	struct bfs_session *sess = calloc(1, sizeof(*sess));

	if (!sess || copy_cred(&sess->cred, cred)) {
		free(sess);
		return NULL;
	}
	sess->server = s;
	sess->id = id;
	sess->ticket = ticket;
	HASH_ADD(hh, s->sessions, id, sizeof(sess->id), sess);
	if (bfs_hashed(sess))
		return sess;
	free(sess->cred.groups);
	free(sess);
	return NULL;
}

struct bfs_session *bfs_session_new(struct bfs_server *s, pid_t pid,
				    const struct bfs_cred *cred)
{
	struct bfs_session *sess;
	uint64_t ids[2];

	if (random_ids(s, ids))
		return NULL;
	if (HASH_COUNT(s->sessions) % SWEEP_EVERY == SWEEP_EVERY - 1)
		bfs_session_sweep(s);
	sess = add(s, ids[0], ids[1], cred);
	if (!sess)
		return NULL;
	sess->pid = pid;
	sess->users = 1;
	bfs_stat_add(sessions, 1);
	return sess;
}

struct bfs_session *bfs_session_again(struct bfs_server *s, uint64_t id,
				      uint64_t ticket, pid_t pid,
				      const struct bfs_cred *cred)
{
	struct bfs_session *sess = add(s, id, ticket, cred);

	if (!sess)
		return NULL;
	sess->pid = pid;
	sess->greeted = true;
	sess->idle_since = bfs_now();
	return sess;
}

struct bfs_session *bfs_session_far(struct bfs_server *s, uint64_t id,
				    unsigned node, pid_t pid)
{
	static const struct bfs_cred root; /* each call brings its own */
	struct bfs_session *sess = bfs_session_find(s, id);

	if (!sess) {
		sess = add(s, id, 0, &root);
		if (sess)
			sess->far = true;
	}
	if (!sess || !sess->far)
		return NULL;
	sess->node = node;
	sess->far_pid = pid;
	sess->idle_since = bfs_now();
	return sess;
}

int bfs_session_vouch(struct bfs_session *sess, const struct bfs_cred *cred,
		      uint32_t *generation)
{
	struct bfs_cred copy;
	uint64_t ids[2];
	int r = sess->ticket ? 0 : random_ids(sess->server, ids);

	if (!r && !sess->ticket)
		sess->ticket = ids[1];
	if (!r)
		r = copy_cred(&copy, cred);
	if (r)
		return r;
	/* A call on a fiber may be looking at the old ones: they are the same
	 * unless this is another session. */
	if (!sess->vouched) {
		free(sess->cred.groups);
		sess->cred = copy;
	} else {
		free(copy.groups);
	}
	sess->vouched = true;
	sess->generation = BFS_MAX(sess->generation, sess->attached_generation);
	*generation = ++sess->generation;
	return 0;
}

struct bfs_session *bfs_session_new_peer(struct bfs_server *s, uint64_t id,
					 uint64_t ticket, unsigned shard,
					 uint64_t incarnation)
{
	static const struct bfs_cred root;
	struct bfs_session *sess = add(s, id, ticket, &root);

	if (!sess)
		return NULL;
	sess->is_peer = true;
	sess->shard = shard;
	sess->incarnation = incarnation;
	return sess;
}

/* Give up the calls that only wait; one that changes something runs on, and
 * its answer is kept for the retry. */
static void abandon_waits(struct bfs_session *sess)
{
	struct bfs_call *c, *next;

	DL_FOREACH_SAFE(sess->parked, c, next)
	{
		if (next && next == c->canceller)
			next = next->next; /* it ends with c */
		if (c->cancel)
			bfs_session_abandon(c);
	}
}

static void free_session(struct bfs_session *sess)
{
	abandon_waits(sess);
	while (sess->parked) {
		struct bfs_call *c = sess->parked;

		/* It goes on without us: its answer finds nobody. */
		bfs_session_unpark(c);
		c->session = NULL;
	}
	bfs_serve_session_gone(sess);
	if (sess->attached)
		sess->attached->ops->detach(sess->attached, sess);
	if (sess->server->over)
		sess->server->over(sess->server->over_arg);
	bfs_session_note_gone(sess);
	HASH_DEL(sess->server->sessions, sess);
	bfs_answer_free_all(sess);
	bfs_shards_clear(&sess->used);
	free(sess->cred.groups);
	free(sess);
}

static bool unused(const struct bfs_session *sess)
{
	return !sess->users && !sess->held;
}

void bfs_session_put(struct bfs_server *s, struct bfs_session *sess)
{
	if (--sess->users)
		return;
	sess->idle_since = bfs_now();
	if (sess->gone && unused(sess))
		free_session(sess);
	else
		abandon_waits(sess);
}

struct bfs_session *bfs_session_hold(struct bfs_session *sess)
{
	if (sess)
		sess->held++;
	return sess;
}

void bfs_session_release(struct bfs_session *sess)
{
	if (!sess || --sess->held || sess->users)
		return;
	sess->idle_since = bfs_now();
	if (sess->gone)
		free_session(sess);
}

void bfs_session_drop(struct bfs_session *sess)
{
	sess->gone = true;
	if (unused(sess))
		free_session(sess);
	else
		abandon_waits(sess);
}

void bfs_session_sweep(struct bfs_server *s)
{
	uint64_t now = bfs_now();
	struct bfs_session *sess, *next;

	HASH_ITER(hh, s->sessions, sess, next)
	{
		if (unused(sess) && !sess->is_peer &&
		    now - sess->idle_since > BFS_SESSION_LINGER_NS)
			free_session(sess);
	}
}

bool bfs_session_close_idle(struct bfs_server *s)
{
	uint64_t now = bfs_now();
	uint64_t idle =
		(uint64_t)s->config.network.direct_idle_secs * 2000000000u;
	struct bfs_session *sess, *next;
	bool others = false;

	HASH_ITER(hh, s->sessions, sess, next)
	{
		if (!sess->far || !sess->attached)
			continue;
		if (unused(sess) && !sess->parked &&
		    now - sess->idle_since > idle) {
			bfs_log(info, "session %016llx: idle, disconnected",
				(unsigned long long)sess->id);
			sess->attached->ops->detach(sess->attached, sess);
		} else {
			others = true;
		}
	}
	return others;
}

void bfs_session_free_all(struct bfs_server *s)
{
	struct bfs_session *sess, *next;

	HASH_ITER(hh, s->sessions, sess, next)
	free_session(sess);
}

void bfs_session_process_gone(struct bfs_server *s, pid_t pid)
{
	struct bfs_session *sess, *next;

	HASH_ITER(hh, s->sessions, sess, next)
	{
		if (sess->pid != pid || sess->is_peer)
			continue;
		sess->gone = true;
		if (unused(sess))
			free_session(sess);
	}
}

void bfs_session_far_gone(struct bfs_server *s, unsigned node, pid_t pid)
{
	struct bfs_session *sess, *next;

	HASH_ITER(hh, s->sessions, sess, next)
	if (sess->far && sess->node == node && sess->far_pid == pid) {
		sess->gone = true;
		if (!sess->users && !sess->held)
			free_session(sess);
	}
}

/* The session that a HELLO names, if it proves that it is the client's. */
static struct bfs_session *named(struct bfs_call *c, uint64_t id,
				 uint64_t ticket)
{
	struct bfs_session *sess = bfs_session_find(c->server, id);

	if (sess && sess->ticket == ticket && ticket && !sess->gone)
		return sess;
	bfs_log(warn, "hello refused: session %016llx is %s",
		(unsigned long long)id,
		sess ? "not this client's" : "not known here");
	return NULL;
}

int bfs_session_resume(struct bfs_call *c, uint64_t id, uint64_t ticket,
		       uint32_t generation)
{
	struct bfs_session *fresh = c->session;
	struct bfs_session *sess = named(c, id, ticket);

	if (!sess || sess->pid != fresh->pid ||
	    sess->cred.uid != fresh->cred.uid)
		return -EACCES;
	if (generation <= sess->generation) {
		bfs_log(warn, "hello refused: generation %u of a session in %u",
			generation, sess->generation);
		return -ESTALE;
	}
	sess->generation = generation;
	sess->resumed_id = sess->last_id;
	bfs_session_is_back(c->server, sess->pid);
	sess->users++;
	c->session = sess;
	fresh->gone = true; /* nobody will ever name it */
	bfs_session_put(c->server, fresh);
	return 0;
}

int bfs_session_attach(struct bfs_call *c, uint64_t id, uint64_t ticket,
		       uint32_t generation)
{
	struct bfs_session *sess = named(c, id, ticket);

	if (!sess)
		return -EACCES;
	/* Equal: the same HELLO, sent again because its answer got lost. */
	if (generation < sess->attached_generation)
		return -ESTALE;
	sess->attached_generation = generation;
	sess->resumed_id = sess->last_id;
	c->session = sess;
	c->cred = &sess->cred;
	return 0;
}
