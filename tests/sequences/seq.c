/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sequences/seq.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *const seq_path[SEQ_PATHS] = { "a", "b", "d/a", "d/b", "d", "." };

/* How many of seq_path an operand may be; NONE: it is not there. */
enum { NONE = 0, LEAF = SEQ_D, NAME = SEQ_D + 1, ANY = SEQ_PATHS };

static const struct {
	const char *name;
	uint8_t first, second;
} kinds[SEQ_KINDS] = {
#define CALL(name, first, second) { #name, first, second },
#include "tests/sequences/seq.def"
#undef CALL
};

unsigned seq_calls(struct seq_call calls[SEQ_CALLS_MAX])
{
	unsigned n = 0;

	for (int k = 0; k < SEQ_KINDS; k++)
		for (uint8_t a = 0; a < kinds[k].first; a++) {
			if (!kinds[k].second)
				calls[n++] = (struct seq_call){ k, a, a };
			for (uint8_t b = 0; b < kinds[k].second; b++)
				if (a != b)
					calls[n++] =
						(struct seq_call){ k, a, b };
		}
	return n;
}

void seq_call_name(const struct seq_call *c, char *buf, size_t cap)
{
	snprintf(buf, cap, "%s %s %s", kinds[c->kind].name, seq_path[c->a],
		 kinds[c->kind].second ? seq_path[c->b] : "");
}

void seq_bytes(unsigned n, size_t len, char *buf)
{
	memset(buf, 'A' + (int)n % 26, len);
}

/* A place for a name: the child of a node. */
struct place {
	uint8_t *at; /* NULL: there can be none, and err says why */
	int err;
};

static bool is_inside(uint8_t path)
{
	return path == 2 || path == 3;
}

static struct place find(struct seq_world *w, uint8_t path)
{
	static const uint8_t last[] = { 0, 1, 0, 1, 2 };
	struct seq_node *dir = &w->node[1];

	if (is_inside(path)) {
		if (!dir->child[2])
			return (struct place){ NULL, -ENOENT };
		dir = &w->node[dir->child[2]];
		if (dir->type != 'd')
			return (struct place){ NULL, -ENOTDIR };
	}
	return (struct place){ &dir->child[last[path]], 0 };
}

static uint8_t make(struct seq_world *w, char type)
{
	uint8_t i = 2;

	while (w->node[i].type)
		i++;
	w->node[i] = (struct seq_node){ .type = type,
					.links = 1,
					.serial = ++w->made };
	return i;
}

static void drop(struct seq_world *w, uint8_t *at)
{
	struct seq_node *x = &w->node[*at];

	*at = 0;
	if (!--x->links)
		x->type = 0;
}

static bool is_empty(const struct seq_node *x)
{
	return !x->child[0] && !x->child[1] && !x->child[2];
}

/* A file of that name, to be written. */
static int want_file(struct seq_world *w, struct place p, struct seq_node **x)
{
	if (!p.at)
		return p.err;
	if (!*p.at)
		return -ENOENT;
	*x = &w->node[*p.at];
	return (*x)->type == 'd' ? -EISDIR : 0;
}

static int do_create(struct seq_world *w, struct place p)
{
	if (!p.at)
		return p.err;
	if (*p.at)
		return w->node[*p.at].type == 'd' ? -EISDIR : 0;
	*p.at = make(w, 'f');
	return 0;
}

static int do_write(struct seq_world *w, struct place p, unsigned n,
		    bool append)
{
	size_t len = append ? SEQ_APPEND_LEN : SEQ_WRITE_LEN, at, end;
	struct seq_node *x = NULL;
	int e = want_file(w, p, &x);

	if (e || !x)
		return e;
	at = append ? x->size : SEQ_WRITE_AT;
	end = at + len;
	seq_bytes(n, len, x->byte + at);
	if (end > x->size)
		x->size = (uint8_t)end;
	return 0;
}

static int do_truncate(struct seq_world *w, struct place p)
{
	struct seq_node *x = NULL;
	int e = want_file(w, p, &x);

	if (e)
		return e;
	x->size = SEQ_TRUNCATE_TO;
	memset(x->byte + x->size, 0, sizeof(x->byte) - x->size);
	return 0;
}

static int do_mkdir(struct seq_world *w, struct place p)
{
	if (!p.at)
		return p.err;
	if (*p.at)
		return -EEXIST;
	*p.at = make(w, 'd');
	return 0;
}

static int do_remove(struct seq_world *w, struct place p, bool dir)
{
	const struct seq_node *x;

	if (!p.at)
		return p.err;
	if (!*p.at)
		return -ENOENT;
	x = &w->node[*p.at];
	if (dir && x->type != 'd')
		return -ENOTDIR;
	if (!dir && x->type == 'd')
		return -EISDIR;
	if (dir && !is_empty(x))
		return -ENOTEMPTY;
	drop(w, p.at);
	return 0;
}

static int do_link(struct seq_world *w, struct place from, struct place to)
{
	if (!from.at)
		return from.err;
	if (!*from.at)
		return -ENOENT;
	if (!to.at)
		return to.err;
	if (*to.at)
		return -EEXIST;
	if (w->node[*from.at].type == 'd')
		return -EPERM;
	w->node[*from.at].links++;
	*to.at = *from.at;
	return 0;
}

/* May the one be put in the other's place? */
static int may_replace(const struct seq_node *x, const struct seq_node *old)
{
	if (x->type == 'd' && old->type != 'd')
		return -ENOTDIR;
	if (x->type != 'd' && old->type == 'd')
		return -EISDIR;
	return old->type == 'd' && !is_empty(old) ? -ENOTEMPTY : 0;
}

static int do_rename(struct seq_world *w, struct place from, struct place to)
{
	int e;

	if (!from.at || !to.at)
		return from.at ? to.err : from.err;
	if (!*from.at)
		return -ENOENT;
	if (*from.at == *to.at)
		return 0;
	e = *to.at ? may_replace(&w->node[*from.at], &w->node[*to.at]) : 0;
	if (e)
		return e;
	if (*to.at)
		drop(w, to.at);
	*to.at = *from.at;
	*from.at = 0;
	return 0;
}

/* What moves is above its new name, or what goes above the old one. */
static int rename_around(struct seq_world *w, const struct seq_call *c)
{
	if (c->a == SEQ_D && is_inside(c->b))
		return -EINVAL;
	return c->b == SEQ_D && is_inside(c->a) ? -ENOTEMPTY : 0;
}

uint8_t seq_node_at(struct seq_world *w, uint8_t path)
{
	struct place p = { NULL, 0 };

	if (path == SEQ_TOP)
		return 1;
	p = find(w, path);
	return p.at ? *p.at : 0;
}

int seq_apply(struct seq_world *w, const struct seq_call *c, unsigned n)
{
	struct place a = { NULL, 0 }, b = a;
	int e;

	if (c->a != SEQ_TOP)
		a = find(w, c->a);
	b = c->kind == SEQ_rename || c->kind == SEQ_link ? find(w, c->b) : b;
	switch (c->kind) {
	case SEQ_create:
		return do_create(w, a);
	case SEQ_write:
		return do_write(w, a, n, false);
	case SEQ_append:
		return do_write(w, a, n, true);
	case SEQ_rename:
		e = a.at && b.at && *a.at ? rename_around(w, c) : 0;
		return e ? e : do_rename(w, a, b);
	case SEQ_link:
		return do_link(w, a, b);
	case SEQ_unlink:
		return do_remove(w, a, false);
	case SEQ_mkdir:
		return do_mkdir(w, a);
	case SEQ_rmdir:
		return do_remove(w, a, true);
	case SEQ_truncate:
		return do_truncate(w, a);
	default: /* fsync */
		if (c->a == SEQ_TOP)
			return 0;
		return !a.at ? a.err : *a.at ? 0 : -ENOENT;
	}
}

/* The calls that make a start, in order. */
static const struct seq_call start_calls[SEQ_STARTS][5] = {
	{ { SEQ_mkdir, SEQ_D, SEQ_D } },
	{ { SEQ_mkdir, SEQ_D, SEQ_D },
	  { SEQ_create, 0, 0 },
	  { SEQ_append, 0, 0 },
	  { SEQ_link, 0, 3 },
	  { SEQ_mkdir, 1, 1 } },
};
static const unsigned start_len[SEQ_STARTS + 1] = { 1, 5, 0 };
#define START_N 25 /* what they write is unlike what a sequence does */

void seq_world_init(struct seq_world *w, unsigned start)
{
	*w = (struct seq_world){ .node[1] = { .type = 'd', .links = 1 } };
	for (unsigned i = 0; i < start_len[start]; i++)
		seq_apply(w, &start_calls[start][i], START_N);
}

int seq_fs_init(const struct seq_fs *fs, unsigned start)
{
	int e = 0;

	for (unsigned i = 0; !e && i < start_len[start]; i++)
		e = fs->call(fs->arg, &start_calls[start][i], START_N);
	return e;
}
