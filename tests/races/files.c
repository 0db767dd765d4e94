/* SPDX-License-Identifier: BSD-3-Clause */
/* What calls on files, descriptors, attributes and locks do. */
#include "state.h"

#include <err.h>
#include <errno.h>
#include <string.h>

static enum outcome opened(struct state *s, const struct op *op, int node,
			   int id, bool changed)
{
	struct desc *d = s->desc;

	if (answer(op, 0) == NO)
		return NO;
	if (is_unknown(op)) /* nobody has the descriptor */
		return changed ? DONE : QUIET;
	while (d->id)
		if (++d == s->desc + DESCS)
			errx(1, "more than %d descriptors at once", DESCS);
	memset(d, 0, sizeof(*d));
	d->id = (uint16_t)id;
	d->proc = op->proc;
	d->node = (uint8_t)node;
	return DONE;
}

static enum outcome any_open(struct state *s, struct walk *w,
			     const struct op *op, int id, bool creates)
{
	const struct node *dir = &s->node[w->dir_a];
	int node = w->held != NONE ? w->held : dir->entry[w->name_a];

	if (node == NONE) {
		if (!creates || (w->dir_a && !dir->links))
			return answer(op, ENOENT);
		if (answer(op, 0) == NO)
			return NO;
		node = node_new(s, id, 'f');
		set_entry(s, w->dir_a, w->name_a, node);
		return opened(s, op, node, id, true);
	}
	if (op->call == CALL_excl)
		return answer(op, EEXIST);
	if (s->node[node].type == 'd')
		return answer(op, EISDIR);
	if (s->node[node].type == 'l') {
		w->name_a = s->node[node].target;
		return w->loops++ < 40 ? MORE : answer(op, ELOOP);
	}
	if (op->call != CALL_trunc)
		return opened(s, op, node, id, false);
	if (w->held == NONE) { /* found now, truncated later */
		w->held = (uint8_t)node;
		return MORE;
	}
	if (answer(op, 0) == NO)
		return NO;
	s->node[node].size = 0;
	return opened(s, op, node, id, true);
}

enum outcome final_excl(struct state *s, struct walk *w, const struct op *op,
			int id)
{
	return any_open(s, w, op, id, true);
}

enum outcome final_creat(struct state *s, struct walk *w, const struct op *op,
			 int id)
{
	return any_open(s, w, op, id, true);
}

enum outcome final_trunc(struct state *s, struct walk *w, const struct op *op,
			 int id)
{
	return any_open(s, w, op, id, true);
}

enum outcome final_open(struct state *s, struct walk *w, const struct op *op,
			int id)
{
	return any_open(s, w, op, id, false);
}

/* Any close of a file drops the process's posix locks on it. */
static void drop_posix(struct state *s, const struct desc *d)
{
	for (int i = 0; i < DESCS; i++)
		if (s->desc[i].id && s->desc[i].proc == d->proc &&
		    s->desc[i].node == d->node)
			s->desc[i].posix_r = s->desc[i].posix_w = 0;
}

static void close_desc(struct desc *d, bool kept)
{
	d->ofd_r = d->ofd_w = 0;
	d->flock = 0;
	d->closed = true;
	if (!kept)
		d->id = 0;
}

/* First its process's posix locks go, then what the description holds. */
enum outcome final_close(struct state *s, struct walk *w, const struct op *op,
			 int id)
{
	struct desc *d = desc_of(s, op);

	(void)id;
	if (!d || answer(op, 0) == NO)
		return NO;
	if (w->held == NONE) {
		w->held = d->node;
		drop_posix(s, d);
		return MORE;
	}
	close_desc(d, op->kept);
	return DONE;
}

enum outcome final_exit(struct state *s, struct walk *w, const struct op *op,
			int id)
{
	(void)w, (void)id;
	for (int i = 0; i < DESCS; i++)
		if (s->desc[i].id && s->desc[i].proc == op->proc) {
			drop_posix(s, &s->desc[i]);
			close_desc(&s->desc[i], op->kept);
		}
	return DONE;
}

/* The first stat of a file tells its number; no other has it. */
static enum outcome numbered(struct state *s, const struct op *op, int node)
{
	if (is_unknown(op) || s->node[node].ino == op->ino)
		return answer(op, 0);
	if (s->node[node].ino || op->err)
		return NO;
	for (int i = 0; i < NODES; i++)
		if (s->node[i].id && s->node[i].ino == op->ino)
			return NO;
	s->node[node].ino = op->ino;
	return DONE;
}

static uint32_t links_of(const struct state *s, int node)
{
	const struct node *n = &s->node[node];
	uint32_t links = 2;

	if (n->type != 'd')
		return n->links;
	if (node && !n->links)
		return 0;
	for (int i = 0; i < NAMES; i++)
		if (n->entry[i] != NONE && s->node[n->entry[i]].type == 'd')
			links++;
	return links;
}

static enum outcome has_links(struct state *s, const struct op *op, int node)
{
	if (!is_unknown(op) && !op->err &&
	    (op->type != s->node[node].type ||
	     (op->count != links_of(s, node) && !op->loose)))
		return NO;
	return numbered(s, op, node);
}

static enum outcome has_size(struct state *s, const struct op *op, int node)
{
	if (!is_unknown(op) && !op->err && s->node[node].type == 'f' &&
	    op->count != s->node[node].size)
		return NO;
	return numbered(s, op, node);
}

typedef enum outcome has_fn(struct state *s, const struct op *op, int node);

/* The file is found, and then looked at. */
static enum outcome stat_path(struct state *s, struct walk *w,
			      const struct op *op, has_fn *has)
{
	if (w->held != NONE)
		return has(s, op, w->held);
	w->held = w->name_a == NONE ? w->dir_a
				    : s->node[w->dir_a].entry[w->name_a];
	return w->held == NONE ? answer(op, ENOENT) : MORE;
}

enum outcome final_links(struct state *s, struct walk *w, const struct op *op,
			 int id)
{
	(void)id;
	return stat_path(s, w, op, has_links);
}

enum outcome final_size(struct state *s, struct walk *w, const struct op *op,
			int id)
{
	(void)id;
	return stat_path(s, w, op, has_size);
}

enum outcome final_flinks(struct state *s, struct walk *w, const struct op *op,
			  int id)
{
	struct desc *d = desc_of(s, op);

	(void)w, (void)id;
	return d ? has_links(s, op, d->node) : NO;
}

enum outcome final_fsize(struct state *s, struct walk *w, const struct op *op,
			 int id)
{
	struct desc *d = desc_of(s, op);

	(void)w, (void)id;
	return d ? has_size(s, op, d->node) : NO;
}

static void set_size(struct node *n, size_t size)
{
	if (size > n->size)
		memset(n->data + n->size, 0, size - n->size);
	else
		memset(n->data + size, 0, n->size - size);
	n->size = (uint8_t)size;
}

static enum outcome put(struct state *s, const struct op *op, int node,
			size_t at)
{
	struct node *n = &s->node[node];
	size_t len = strlen(op->text);

	if (answer(op, 0) == NO || at + len > BYTES)
		return NO;
	if (at + len > n->size)
		set_size(n, at + len);
	memcpy(n->data + at, op->text, len);
	return DONE;
}

enum outcome final_write(struct state *s, struct walk *w, const struct op *op,
			 int id)
{
	struct desc *d = desc_of(s, op);

	(void)w, (void)id;
	return d ? put(s, op, d->node, op->num) : NO;
}

enum outcome final_append(struct state *s, struct walk *w, const struct op *op,
			  int id)
{
	struct desc *d = desc_of(s, op);

	(void)w, (void)id;
	return d ? put(s, op, d->node, s->node[d->node].size) : NO;
}

enum outcome final_read(struct state *s, struct walk *w, const struct op *op,
			int id)
{
	struct desc *d = desc_of(s, op);
	const struct node *n;

	(void)w, (void)id;
	if (!d)
		return NO;
	n = &s->node[d->node];
	if (is_unknown(op) || op->err)
		return answer(op, 0);
	if (op->num < n->size)
		return op->len == 1 && op->got[0] == n->data[op->num] ? QUIET
								      : NO;
	return !op->len || (op->loose && !op->got[0]) ? QUIET : NO;
}

enum outcome final_readall(struct state *s, struct walk *w, const struct op *op,
			   int id)
{
	struct desc *d = desc_of(s, op);
	const struct node *n;

	(void)w, (void)id;
	if (!d)
		return NO;
	n = &s->node[d->node];
	if (!is_unknown(op) && !op->err &&
	    (op->len != n->size || memcmp(op->got, n->data, n->size)))
		return NO;
	return answer(op, 0);
}

enum outcome final_ftrunc(struct state *s, struct walk *w, const struct op *op,
			  int id)
{
	struct desc *d = desc_of(s, op);

	(void)w, (void)id;
	if (!d || answer(op, 0) == NO)
		return NO;
	set_size(&s->node[d->node], op->num);
	return DONE;
}
