/* SPDX-License-Identifier: BSD-3-Clause */
/* Locks: S10.  Sets of bytes, since all that is locked is eight of them. */
#include "state.h"

#include <errno.h>

static uint8_t range(const struct op *op)
{
	return (uint8_t)((2u << op->to) - (1u << op->from));
}

/* Does a lock that d holds stand in the way of op, which comes by me? */
static bool in_the_way(const struct desc *d, const struct desc *me,
		       const struct op *op)
{
	uint8_t bytes = range(op), theirs;

	if (op->mode == 'u' || d->node != me->node)
		return false;
	if (op->kind == 'f')
		return d != me && d->flock &&
		       (d->flock == 'w' || op->mode == 'w');
	theirs = 0;
	if (op->kind != 'p' || d->proc != me->proc)
		theirs |= d->posix_w | (op->mode == 'w' ? d->posix_r : 0);
	if (op->kind != 'o' || d != me)
		theirs |= d->ofd_w | (op->mode == 'w' ? d->ofd_r : 0);
	return theirs & bytes;
}

static void set(uint8_t *r, uint8_t *w, uint8_t bytes, char mode)
{
	*r &= (uint8_t)~bytes;
	*w &= (uint8_t)~bytes;
	if (mode == 'r')
		*r |= bytes;
	if (mode == 'w')
		*w |= bytes;
}

static void take(struct state *s, struct desc *me, const struct op *op)
{
	uint8_t bytes = range(op);

	if (op->kind == 'f')
		me->flock = op->mode == 'u' ? 0 : (char)op->mode;
	if (op->kind == 'o')
		set(&me->ofd_r, &me->ofd_w, bytes, (char)op->mode);
	if (op->kind != 'p')
		return;
	for (int i = 0; i < DESCS; i++)
		if (s->desc[i].id && s->desc[i].proc == me->proc &&
		    s->desc[i].node == me->node)
			set(&s->desc[i].posix_r, &s->desc[i].posix_w, bytes,
			    'u');
	set(&me->posix_r, &me->posix_w, bytes, (char)op->mode);
}

static enum outcome any_lock(struct state *s, const struct op *op, bool waits)
{
	struct desc *me = desc_of(s, op);
	bool free = true;

	if (!me)
		return NO;
	for (int i = 0; i < DESCS; i++)
		if (s->desc[i].id && in_the_way(&s->desc[i], me, op))
			free = false;
	if (!free)
		return waits ? NO : answer(op, EAGAIN);
	if (answer(op, 0) == NO)
		return NO;
	if (!me->closed)
		take(s, me, op);
	return DONE;
}

enum outcome final_lock(struct state *s, struct walk *w, const struct op *op,
			int id)
{
	(void)w, (void)id;
	return any_lock(s, op, false);
}

enum outcome final_lockw(struct state *s, struct walk *w, const struct op *op,
			 int id)
{
	(void)w, (void)id;
	return any_lock(s, op, true);
}
