/* SPDX-License-Identifier: BSD-3-Clause */
/* What a client has been told, as a small tree. */
#include "crash.h"

#include <err.h>
#include <stdio.h>
#include <string.h>

uint8_t *world_at(struct world *w, const struct where *p)
{
	uint8_t *o = &w->slot[p->at[0]];

	for (int i = 1; i < p->n; i++) {
		if (!*o || w->object[*o].type != 'd')
			return NULL;
		o = &w->object[*o].child[p->at[i]];
	}
	return o;
}

static uint8_t new_object(struct world *w, char type)
{
	uint8_t o = 1;

	while (o < OBJECTS && w->object[o].type)
		o++;
	if (o == OBJECTS)
		errx(1, "more than %d objects", OBJECTS);
	memset(&w->object[o], 0, sizeof(w->object[o]));
	w->object[o].type = type;
	w->object[o].links = 1;
	w->object[o].mode = type == 'd' ? 0755 : type == 'l' ? 0777 : 0644;
	return o;
}

static bool is_held(const struct world *w, uint8_t o)
{
	for (int i = 0; i < HELD; i++)
		if (w->held[i] == o)
			return true;
	return false;
}

static void drop(struct world *w, uint8_t o)
{
	if (o && !w->object[o].links && !is_held(w, o))
		w->object[o].type = 0;
}

static void put(struct object *f, uint8_t off, uint8_t len, char byte)
{
	if (off > f->size)
		memset(f->unit + f->size, 0, (size_t)(off - f->size));
	memset(f->unit + off, byte, len);
	if (off + len > f->size)
		f->size = (uint8_t)(off + len);
}

static void truncate_to(struct object *f, uint8_t size)
{
	if (size > f->size)
		memset(f->unit + f->size, 0, (size_t)(size - f->size));
	f->size = size;
}

static void apply_name(struct world *w, const struct job *j, uint8_t *a)
{
	uint8_t *b = j->b.n ? world_at(w, &j->b) : NULL, o = *a;

	switch (j->work) {
	case WORK_create:
		*a = new_object(w, 'f');
		break;
	case WORK_mkdir:
		*a = new_object(w, 'd');
		break;
	case WORK_symlink:
		*a = new_object(w, 'l');
		w->object[*a].target = j->value;
		break;
	case WORK_link:
		*b = o;
		w->object[o].links++;
		break;
	case WORK_rename:
		if (*b == o)
			break; /* of one file: nothing happens */
		if (*b) {
			w->object[*b].links--;
			drop(w, *b);
		}
		*b = o;
		*a = 0;
		break;
	case WORK_exchange:
		*a = *b;
		*b = o;
		break;
	default: /* unlink, rmdir */
		*a = 0;
		w->object[o].links--;
		drop(w, o);
	}
}

static void apply_object(struct world *w, const struct job *j, uint8_t o)
{
	struct object *f = &w->object[o];

	switch (j->work) {
	case WORK_write:
	case WORK_heldwrite:
		put(f, j->off, j->len, j->byte);
		break;
	case WORK_append:
		put(f, f->size, j->len, j->byte);
		break;
	case WORK_truncate:
		truncate_to(f, j->off);
		break;
	case WORK_chmod:
		f->mode = (uint16_t)(f->type == 'd' ? 0700 + j->value
						    : 0600 + j->value);
		break;
	case WORK_setxattr:
		f->xattr = j->value;
		break;
	case WORK_removexattr:
		f->xattr = 0;
		break;
	case WORK_hold:
		w->held[j->held] = o;
		break;
	default: /* release */
		w->held[j->held] = 0;
		drop(w, o);
	}
}

/* What a pending write to one of them has done, the file tells. */
static void drop_held_pending(struct world *w)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < w->pendings; i++)
		if (w->pending[i].work != WORK_heldwrite)
			w->pending[kept++] = w->pending[i];
	w->pendings = kept;
}

void world_forget_held(struct world *w)
{
	drop_held_pending(w);
	for (int i = 0; i < HELD; i++) {
		uint8_t o = w->held[i];

		w->held[i] = 0;
		drop(w, o);
	}
}

static bool by_held(const struct job *j)
{
	return j->work == WORK_heldwrite || j->work == WORK_release;
}

void world_apply(struct world *w, const struct job *j)
{
	uint8_t *a;

	if (j->work == WORK_list)
		return;
	if (by_held(j)) {
		apply_object(w, j, w->held[j->held]);
		return;
	}
	a = world_at(w, &j->a);
	if (j->work >= WORK_write)
		apply_object(w, j, *a);
	else
		apply_name(w, j, a);
}

/* Is something below, or the name itself, in a call that is unknown? */
static bool is_busy(struct world *w, uint8_t o)
{
	if (!o)
		return false;
	if (w->object[o].busy)
		return true;
	for (int i = 0; w->object[o].type == 'd' && i < CHILDREN; i++)
		if (is_busy(w, w->object[o].child[i]))
			return true;
	return false;
}

bool world_is_free(struct world *w, const struct where *p)
{
	uint8_t *o = world_at(w, p);

	return !w->frozen[p->at[0]] && o && !is_busy(w, *o);
}

static void freeze_at(struct world *w, const struct where *p)
{
	uint8_t *o = world_at(w, p);

	w->frozen[p->at[0]] = true;
	if (o && *o)
		w->object[*o].busy = true;
}

void world_freeze(struct world *w, const struct job *j)
{
	if (by_held(j)) {
		w->object[w->held[j->held]].busy = true;
	} else {
		freeze_at(w, &j->a);
		if (j->b.n)
			freeze_at(w, &j->b);
	}
	if (j->work == WORK_heldwrite)
		w->object[w->held[j->held]].unsure = true;
	else if (j->work == WORK_write || j->work == WORK_append ||
		 j->work == WORK_truncate)
		w->object[*world_at(w, &j->a)].unsure = true;
}

/* The bytes of a file as a number; what is unsure may be anything. */
static uint32_t sum_of(const struct object *f)
{
	uint32_t h = 1;

	for (int i = 0; i < f->size; i++)
		h = h * 31 + (uint8_t)f->unit[i];
	return h;
}

static int subdirs(const struct world *w, const struct object *d)
{
	int n = 0;

	for (int i = 0; i < CHILDREN; i++)
		n += w->object[d->child[i]].type == 'd';
	return n;
}

static int dump_object(struct world *w, uint8_t o, const char *path, char *to)
{
	struct object *x = &w->object[o];
	int n = sprintf(to, "%s %c %o %d", path, x->type, x->mode,
			x->type == 'd' ? 2 + subdirs(w, x) : x->links);

	if (x->type == 'f' && x->unsure)
		n += sprintf(to + n, " ?");
	else if (x->type == 'f')
		n += sprintf(to + n, " %d %x", x->size * UNIT, sum_of(x));
	if (x->type == 'l')
		n += sprintf(to + n, " -> t%d", x->target);
	if (x->xattr)
		n += sprintf(to + n, " user.a=%d", x->xattr);
	n += sprintf(to + n, "\n");
	for (int i = 0; x->type == 'd' && i < CHILDREN; i++) {
		char below[100];

		if (!x->child[i])
			continue;
		snprintf(below, sizeof(below), "%s/%c", path, 'a' + i);
		n += dump_object(w, x->child[i], below, to + n);
	}
	return n;
}

void world_dump(struct world *w, uint32_t client, char *text)
{
	char path[40];
	int n = 0;

	text[0] = 0;
	for (int i = 0; i < SLOTS; i++) {
		snprintf(path, sizeof(path), "s%d/%u.%c", i / LABELS, client,
			 'a' + i % LABELS);
		if (w->slot[i])
			n += dump_object(w, w->slot[i], path, text + n);
	}
	for (int i = 0; i < HELD; i++) {
		uint8_t o = w->held[i];

		snprintf(path, sizeof(path), "held%d", i);
		if (o)
			n += dump_object(w, o, path, text + n);
	}
}
