/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/lock.h"

#include "core/util.h"
#include "server/lock_range.h"

#include <errno.h>
#include <utlist.h>

/* Below this many locks the dead ones among them do not matter. */
#define PURGE_MIN 1024

struct bfs_lock_table *bfs_lock_table_new(const struct bfs_lock_ops *ops,
					  unsigned limit)
{
	struct bfs_lock_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->ops = *ops;
	t->limit = limit;
	t->purge_at = PURGE_MIN;
	return t;
}

static struct bfs_lock_inode *find_inode(struct bfs_lock_table *t, uint64_t ino)
{
	struct bfs_lock_inode *i;

	HASH_FIND(hh, t->inodes, &ino, sizeof(ino), i);
	return i;
}

static struct bfs_lock_inode *get_inode(struct bfs_lock_table *t, uint64_t ino)
{
	struct bfs_lock_inode *i = find_inode(t, ino);

	if (i)
		return i;
	i = calloc(1, sizeof(*i));
	if (!i)
		return NULL;
	i->ino = ino;
	HASH_ADD(hh, t->inodes, ino, sizeof(i->ino), i);
	if (bfs_hashed(i))
		return i;
	free(i);
	return NULL;
}

static void put_inode(struct bfs_lock_table *t, struct bfs_lock_inode *i)
{
	if (i->held || i->waits)
		return;
	HASH_DEL(t->inodes, i);
	free(i);
}

static struct bfs_lock_holder *find_holder(struct bfs_lock_table *t,
					   const struct bfs_lock_owner *owner)
{
	struct bfs_lock_holder *h;

	HASH_FIND(hh, t->holders, owner, sizeof(*owner), h);
	return h;
}

static struct bfs_lock_holder *get_holder(struct bfs_lock_table *t,
					  const struct bfs_lock_owner *owner)
{
	struct bfs_lock_holder *h = find_holder(t, owner);

	if (h)
		return h;
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->owner = *owner;
	HASH_ADD(hh, t->holders, owner, sizeof(h->owner), h);
	if (bfs_hashed(h))
		return h;
	free(h);
	return NULL;
}

static void put_holder(struct bfs_lock_table *t, struct bfs_lock_holder *h)
{
	if (h->held || h->waits)
		return;
	HASH_DEL(t->holders, h);
	free(h);
}

/* Forget a holder's locks; nobody who waits is looked at yet. */
static void release_all(struct bfs_lock_table *t, struct bfs_lock_holder *h)
{
	struct bfs_lock *l, *next;

	DL_FOREACH_SAFE2(h->held, l, next, onext)
	{
		struct bfs_lock_inode *i = l->inode;

		bfs_lock_remove(t, l);
		put_inode(t, i);
	}
}

/* An owner may have died unnoticed: then its locks are void. */
static bool still_there(struct bfs_lock_table *t, const struct bfs_lock *l)
{
	return !t->ops.alive ||
	       t->ops.alive(t->ops.arg, l->inode->ino, &l->r.owner);
}

/* Drop what owners left behind that nobody has asked about. */
static void purge(struct bfs_lock_table *t)
{
	struct bfs_lock_holder *h, *hnext;

	HASH_ITER(hh, t->holders, h, hnext)
	{
		struct bfs_lock *l, *next;

		DL_FOREACH_SAFE2(h->held, l, next, onext)
		{
			struct bfs_lock_inode *i = l->inode;

			if (still_there(t, l))
				continue;
			bfs_lock_remove(t, l);
			put_inode(t, i);
		}
		put_holder(t, h);
	}
	t->purge_at = 2 * t->held + PURGE_MIN;
}

int bfs_lock_restore(struct bfs_lock_table *t, uint64_t ino,
		     const struct bfs_lock_range *r)
{
	struct bfs_lock_inode *i = get_inode(t, ino);
	struct bfs_lock_holder *h = get_holder(t, &r->owner);
	int e = -ENOLCK;

	if (i && h)
		e = bfs_lock_apply(t, i, h, r);
	if (h)
		put_holder(t, h);
	if (i)
		put_inode(t, i);
	return e;
}

/* The lowest lock in the way, or NULL. */
static struct bfs_lock *obstacle(struct bfs_lock_table *t,
				 struct bfs_lock_inode *i,
				 const struct bfs_lock_range *want)
{
	struct bfs_lock *l, *next;

	DL_FOREACH_SAFE(i->held, l, next)
	{
		struct bfs_lock_holder *h = l->holder;

		if (!bfs_lock_conflict(want, &l->r))
			continue;
		if (still_there(t, l))
			return l;
		bfs_lock_remove(t, l);
		put_holder(t, h);
	}
	return NULL;
}

/* 0, -EAGAIN, -ENOLCK; -EDEADLK if it may wait but must not. */
static int try_set(struct bfs_lock_table *t, struct bfs_lock_inode *i,
		   struct bfs_lock_holder *h, const struct bfs_lock_range *want,
		   bool may_wait)
{
	if (want->type == F_UNLCK || !obstacle(t, i, want))
		return bfs_lock_apply(t, i, h, want);
	return may_wait && bfs_lock_deadlock(t, i, want) ? -EDEADLK : -EAGAIN;
}

static void end_wait(struct bfs_lock_table *t, struct bfs_lock_wait *w)
{
	struct bfs_lock_holder *h = w->holder;

	DL_DELETE(w->inode->waits, w);
	DL_DELETE2(h->waits, w, oprev, onext);
	if (w->want.owner.space == BFS_LOCK_POSIX)
		DL_DELETE2(t->posix, w, lprev, lnext);
	w->inode = NULL;
	t->waiting--;
}

/* First come, first served.  Returns whether any wait ended. */
static bool retry_once(struct bfs_lock_table *t, struct bfs_lock_inode *i)
{
	struct bfs_lock_wait *w, *next;
	bool any = false;

	DL_FOREACH_SAFE(i->waits, w, next)
	{
		struct bfs_lock_holder *h = w->holder;
		int r = try_set(t, i, h, &w->want, true);

		if (r == -EAGAIN)
			continue;
		end_wait(t, w);
		put_holder(t, h);
		w->status = r;
		DL_APPEND(t->over, w);
		any = true;
	}
	return any;
}

/* Something on the inode was released.  A lock that is granted can release
 * another: one that was exclusive and becomes shared. */
static void retry(struct bfs_lock_table *t, struct bfs_lock_inode *i)
{
	while (retry_once(t, i))
		;
}

/* Last of all, since done() may come back to us. */
static void tell(struct bfs_lock_table *t)
{
	while (t->over) {
		struct bfs_lock_wait *w = t->over;
		void *cookie = w->cookie;
		int status = w->status;

		DL_DELETE(t->over, w);
		free(w);
		t->ops.done(cookie, status);
	}
}

static int start_wait(struct bfs_lock_table *t, struct bfs_lock_inode *i,
		      struct bfs_lock_holder *h,
		      const struct bfs_lock_range *want, void *cookie,
		      struct bfs_lock_wait **wait)
{
	struct bfs_lock_wait *w;

	if (t->held + t->waiting >= t->limit)
		return -ENOLCK;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOLCK;
	w->want = *want;
	w->inode = i;
	w->holder = h;
	w->cookie = cookie;
	DL_APPEND(i->waits, w);
	DL_APPEND2(h->waits, w, oprev, onext);
	w->id = ++t->last_id;
	w->since = bfs_now();
	if (want->owner.space == BFS_LOCK_POSIX)
		DL_PREPEND2(t->posix, w, lprev, lnext);
	t->waiting++;
	*wait = w;
	return BFS_LOCK_WAITING;
}

/* flock changes a lock by giving up the old one first, even if the new one is
 * then refused: flock(2) warns of it.  True if it has that lock already. */
static bool flock_convert(struct bfs_lock_table *t, struct bfs_lock_inode *i,
			  struct bfs_lock_holder *h,
			  const struct bfs_lock_range *want)
{
	struct bfs_lock *l;

	DL_FOREACH(i->held, l)
	if (l->holder == h) {
		if (l->r.type == want->type)
			return true;
		bfs_lock_remove(t, l);
		return false;
	}
	return false;
}

int bfs_lock_set(struct bfs_lock_table *t, uint64_t ino,
		 const struct bfs_lock_range *want, void *cookie,
		 struct bfs_lock_wait **wait)
{
	struct bfs_lock_range r = *want;
	struct bfs_lock_inode *i;
	struct bfs_lock_holder *h;
	int e = -ENOLCK;

	if (t->held >= BFS_MIN(t->purge_at, t->limit))
		purge(t);
	i = get_inode(t, ino);
	h = i ? get_holder(t, &want->owner) : NULL;
	if (!h) {
		if (i)
			put_inode(t, i);
		return e;
	}
	if (want->owner.space == BFS_LOCK_FLOCK) {
		r.start = 0;
		r.end = UINT64_MAX;
	}
	if (want->owner.space == BFS_LOCK_FLOCK && flock_convert(t, i, h, &r))
		e = 0;
	else
		e = try_set(t, i, h, &r, cookie != NULL);
	/* Even when refused: a flock may have been given up. */
	retry(t, i);
	if (e == -EAGAIN && cookie)
		e = start_wait(t, i, h, &r, cookie, wait);
	put_holder(t, h);
	put_inode(t, i);
	tell(t);
	return e;
}

void bfs_lock_test(struct bfs_lock_table *t, uint64_t ino,
		   const struct bfs_lock_range *want,
		   struct bfs_lock_range *found)
{
	struct bfs_lock_inode *i = find_inode(t, ino);
	struct bfs_lock *l = i ? obstacle(t, i, want) : NULL;

	if (l)
		*found = l->r;
	else
		*found = (struct bfs_lock_range){ .type = F_UNLCK };
	if (i)
		put_inode(t, i);
}

void bfs_lock_cancel(struct bfs_lock_table *t, struct bfs_lock_wait *w)
{
	struct bfs_lock_inode *i = w->inode;
	struct bfs_lock_holder *h = w->holder;

	if (i) {
		end_wait(t, w);
		put_holder(t, h);
		put_inode(t, i);
	} else {
		DL_DELETE(t->over, w);
	}
	free(w);
}

void bfs_lock_move(struct bfs_lock_wait *w, void *cookie)
{
	w->cookie = cookie;
}

static void retry_all(struct bfs_lock_table *t)
{
	struct bfs_lock_inode *i, *next;

	HASH_ITER(hh, t->inodes, i, next)
	{
		if (!i->waits)
			continue;
		retry(t, i);
		put_inode(t, i);
	}
}

void bfs_lock_drop(struct bfs_lock_table *t, const struct bfs_lock_owner *owner)
{
	struct bfs_lock_holder *h = find_holder(t, owner);

	if (!h || !h->held)
		return;
	release_all(t, h);
	put_holder(t, h);
	retry_all(t);
	tell(t);
}

void bfs_lock_sweep(struct bfs_lock_table *t)
{
	retry_all(t);
	tell(t);
}

void bfs_lock_victim(struct bfs_lock_table *t,
		     const struct bfs_lock_owner *owner, uint64_t wait)
{
	struct bfs_lock_holder *h = find_holder(t, owner);
	struct bfs_lock_wait *w = NULL;
	struct bfs_lock_inode *i;

	if (h)
		DL_FOREACH2(h->waits, w, onext)
	if (w->id == wait)
		break;
	if (!w)
		return;
	i = w->inode;
	end_wait(t, w);
	put_holder(t, h);
	put_inode(t, i);
	w->status = -EDEADLK;
	DL_APPEND(t->over, w);
	tell(t);
}

unsigned bfs_lock_held(const struct bfs_lock_table *t)
{
	return t->held;
}

unsigned bfs_lock_waiting(const struct bfs_lock_table *t)
{
	return t->waiting;
}

void bfs_lock_table_free(struct bfs_lock_table *t)
{
	struct bfs_lock_holder *h, *next;

	HASH_ITER(hh, t->holders, h, next)
	{
		release_all(t, h);
		put_holder(t, h);
	}
	free(t);
}
