/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/lock_range.h"

#include "core/util.h"

#include <errno.h>
#include <utlist.h>

bool bfs_lock_conflict(const struct bfs_lock_range *a,
		       const struct bfs_lock_range *b)
{
	if ((a->owner.space == BFS_LOCK_FLOCK) !=
	    (b->owner.space == BFS_LOCK_FLOCK))
		return false;
	if (a->type != F_WRLCK && b->type != F_WRLCK)
		return false;
	if (a->end <= b->start || b->end <= a->start)
		return false;
	return !bfs_lock_same_owner(&a->owner, &b->owner);
}

static void tell(struct bfs_lock_table *t, const struct bfs_lock *l, bool held)
{
	if (t->ops.changed)
		t->ops.changed(t->ops.arg, l->inode->ino, &l->r, held);
}

void bfs_lock_remove(struct bfs_lock_table *t, struct bfs_lock *l)
{
	tell(t, l, false);
	DL_DELETE(l->inode->held, l);
	DL_DELETE2(l->holder->held, l, oprev, onext);
	t->held--;
	free(l);
}

/* The inode's list is sorted, so that the first conflict is the lowest. */
static void insert(struct bfs_lock_table *t, struct bfs_lock *l,
		   struct bfs_lock_inode *i, struct bfs_lock_holder *h,
		   const struct bfs_lock_range *r)
{
	struct bfs_lock *at = i->held;

	l->r = *r;
	l->id = ++t->last_id;
	l->inode = i;
	l->holder = h;
	while (at && at->r.start <= r->start)
		at = at->next;
	if (at)
		DL_PREPEND_ELEM(i->held, at, l);
	else
		DL_APPEND(i->held, l);
	DL_APPEND2(h->held, l, oprev, onext);
	t->held++;
	tell(t, l, true);
}

/* A change of start moves it in the list. */
static void set_start(struct bfs_lock *l, uint64_t start)
{
	struct bfs_lock_inode *i = l->inode;
	struct bfs_lock *at = l->next;

	l->r.start = start;
	if (!at || at->r.start >= start)
		return;
	DL_DELETE(i->held, l);
	while (at && at->r.start <= start)
		at = at->next;
	if (at)
		DL_PREPEND_ELEM(i->held, at, l);
	else
		DL_APPEND(i->held, l);
}

/* An owner's locks of one type that overlap or touch become one. */
static bool mergeable(const struct bfs_lock_range *a,
		      const struct bfs_lock_range *b)
{
	return a->type == b->type && a->start <= b->end && b->start <= a->end;
}

/*
 * Take out of l what r covers.  Returns true if spare was needed for a part
 * behind r.
 */
static bool cut(struct bfs_lock_table *t, struct bfs_lock *l,
		const struct bfs_lock_range *r, struct bfs_lock *spare)
{
	struct bfs_lock_range behind = l->r;

	if (l->r.start >= r->start && l->r.end <= r->end) {
		bfs_lock_remove(t, l);
		return false;
	}
	if (l->r.start >= r->start) {
		tell(t, l, false);
		set_start(l, r->end);
		tell(t, l, true);
		return false;
	}
	l->r.end = r->start;
	tell(t, l, true);
	if (behind.end <= r->end)
		return false;
	behind.start = r->end;
	insert(t, spare, l->inode, l->holder, &behind);
	return true;
}

/* At most one new lock for the range and one for a part that is cut off. */
static int make_spares(struct bfs_lock_table *t,
		       const struct bfs_lock_range *want,
		       struct bfs_lock *spare[2])
{
	if (want->type != F_UNLCK && t->held + t->waiting >= t->limit)
		return -ENOLCK;
	spare[0] = calloc(1, sizeof(**spare));
	spare[1] = calloc(1, sizeof(**spare));
	if (spare[0] && spare[1])
		return 0;
	free(spare[0]);
	free(spare[1]);
	return -ENOLCK;
}

int bfs_lock_apply(struct bfs_lock_table *t, struct bfs_lock_inode *i,
		   struct bfs_lock_holder *h, const struct bfs_lock_range *want)
{
	struct bfs_lock_range r = *want;
	struct bfs_lock *l, *next, *spare[2];
	int e = make_spares(t, want, spare);

	if (e)
		return e;
	DL_FOREACH_SAFE(i->held, l, next)
	{
		if (l->holder != h)
			continue;
		if (mergeable(&l->r, &r)) {
			r.start = BFS_MIN(r.start, l->r.start);
			r.end = BFS_MAX(r.end, l->r.end);
			bfs_lock_remove(t, l);
		} else if (l->r.start < r.end && r.start < l->r.end) {
			if (cut(t, l, &r, spare[1]))
				spare[1] = NULL;
		}
	}
	if (r.type == F_UNLCK)
		free(spare[0]);
	else
		insert(t, spare[0], i, h, &r);
	free(spare[1]);
	return 0;
}

/* Longer chains of waiting processes are not looked into. */
#define DEPTH_MAX 1000

struct search {
	uint64_t number; /* holders of this number have been visited */
	const struct bfs_lock_owner *target;
	unsigned depth;
};

static bool waits_for(struct search *s, struct bfs_lock_inode *i,
		      const struct bfs_lock_range *want);

/* Does the holder wait, perhaps through others, for the target? */
static bool reaches(struct search *s, struct bfs_lock_holder *h)
{
	struct bfs_lock_wait *w;

	if (bfs_lock_same_owner(&h->owner, s->target))
		return true;
	if (h->visited == s->number || h->owner.space != BFS_LOCK_POSIX)
		return false;
	h->visited = s->number;
	DL_FOREACH2(h->waits, w, onext)
	if (waits_for(s, w->inode, &w->want))
		return true;
	return false;
}

static bool waits_for(struct search *s, struct bfs_lock_inode *i,
		      const struct bfs_lock_range *want)
{
	struct bfs_lock *l;
	bool found = false;

	if (s->depth == DEPTH_MAX)
		return false;
	s->depth++;
	for (l = i->held; l && !found; l = l->next)
		found = bfs_lock_conflict(want, &l->r) && reaches(s, l->holder);
	s->depth--;
	return found;
}

unsigned bfs_lock_edges(struct bfs_lock_table *t,
			const struct bfs_lock_owner *owner,
			struct bfs_lock_edge *edges, unsigned max)
{
	const struct bfs_lock_holder *h;
	const struct bfs_lock_wait *w;
	const struct bfs_lock *l;
	unsigned n = 0;

	HASH_FIND(hh, t->holders, owner, sizeof(*owner), h);
	if (!h)
		return 0;
	DL_FOREACH2(h->waits, w, onext)
	DL_FOREACH(w->inode->held, l)
	{
		if (n == max)
			return n;
		if (l->r.owner.space == BFS_LOCK_POSIX &&
		    bfs_lock_conflict(&w->want, &l->r))
			edges[n++] =
				(struct bfs_lock_edge){ .wait = w->id,
							.since = w->since,
							.lock = l->id,
							.blocker = l->r.owner };
	}
	return n;
}

bool bfs_lock_wait_due(const struct bfs_lock_table *t, uint64_t now)
{
	return t->posix && t->posix->look_at <= now;
}

bool bfs_lock_next_wait(struct bfs_lock_table *t, uint64_t now, uint64_t period,
			struct bfs_lock_owner *owner)
{
	struct bfs_lock_wait *w = t->posix;

	if (!bfs_lock_wait_due(t, now))
		return false;
	DL_DELETE2(t->posix, w, lprev, lnext);
	w->look_at = now + period;
	DL_APPEND2(t->posix, w, lprev, lnext);
	*owner = w->want.owner;
	return true;
}

bool bfs_lock_deadlock(struct bfs_lock_table *t, struct bfs_lock_inode *i,
		       const struct bfs_lock_range *want)
{
	struct search s = { .number = ++t->search, .target = &want->owner };

	/* Descriptions do not wait, processes do: as in Linux no circle is
	 * looked for through OFD and flock locks. */
	return want->owner.space == BFS_LOCK_POSIX && waits_for(&s, i, want);
}
