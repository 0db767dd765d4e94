/* SPDX-License-Identifier: BSD-3-Clause */
/* What calls on names do, once their directories are found. */
#include "state.h"

#include <errno.h>
#include <string.h>

/* The node of the last component of a path, or NONE. */
static int last(const struct state *s, int dir, int name)
{
	return name == NONE ? dir : s->node[dir].entry[name];
}

static bool is_empty(const struct node *n)
{
	for (int i = 0; i < NAMES; i++)
		if (n->entry[i] != NONE)
			return false;
	return true;
}

/* A removed directory takes no names. */
static bool is_gone(const struct state *s, int dir)
{
	return dir && !s->node[dir].links;
}

static enum outcome success(const struct op *op)
{
	return answer(op, 0) == NO ? NO : DONE;
}

static enum outcome add_node(struct state *s, struct walk *w,
			     const struct op *op, int id, char type)
{
	int node;

	if (is_gone(s, w->dir_a))
		return answer(op, ENOENT);
	if (last(s, w->dir_a, w->name_a) != NONE)
		return answer(op, EEXIST);
	if (success(op) == NO)
		return NO;
	node = node_new(s, id, type);
	s->node[node].target = op->name;
	set_entry(s, w->dir_a, w->name_a, node);
	return DONE;
}

enum outcome final_mkdir(struct state *s, struct walk *w, const struct op *op,
			 int id)
{
	return add_node(s, w, op, id, 'd');
}

enum outcome final_symlink(struct state *s, struct walk *w, const struct op *op,
			   int id)
{
	return add_node(s, w, op, id, 'l');
}

enum outcome final_readlink(struct state *s, struct walk *w,
			    const struct op *op, int id)
{
	int node = last(s, w->dir_a, w->name_a);

	(void)id;
	if (node == NONE)
		return answer(op, ENOENT);
	if (s->node[node].type != 'l')
		return answer(op, EINVAL);
	if (!is_unknown(op) && op->got_name != s->node[node].target)
		return NO;
	return answer(op, 0);
}

static enum outcome take_away(struct state *s, struct walk *w,
			      const struct op *op)
{
	if (success(op) == NO)
		return NO;
	set_entry(s, w->dir_a, w->name_a, NONE);
	return DONE;
}

enum outcome final_rmdir(struct state *s, struct walk *w, const struct op *op,
			 int id)
{
	int node = last(s, w->dir_a, w->name_a);

	(void)id;
	if (node == NONE)
		return answer(op, ENOENT);
	if (s->node[node].type != 'd')
		return answer(op, ENOTDIR);
	if (!is_empty(&s->node[node]))
		return answer(op, ENOTEMPTY);
	return take_away(s, w, op);
}

enum outcome final_unlink(struct state *s, struct walk *w, const struct op *op,
			  int id)
{
	int node = last(s, w->dir_a, w->name_a);

	(void)id;
	if (node == NONE)
		return answer(op, ENOENT);
	if (s->node[node].type == 'd')
		return answer(op, EISDIR);
	return take_away(s, w, op);
}

/* One of the errors, if there are some. */
static enum outcome one_of(const struct op *op, const int *list, int n)
{
	for (int i = 0; i < n; i++)
		if (answer(op, list[i]) == QUIET)
			return QUIET;
	return NO;
}

/* First the file is found, then it gets its name. */
enum outcome final_link(struct state *s, struct walk *w, const struct op *op,
			int id)
{
	int list[4], n = 0;

	(void)id;
	if (w->held == NONE) {
		w->held = (uint8_t)last(s, w->dir_a, w->name_a);
		return w->held == NONE ? answer(op, ENOENT) : MORE;
	}
	if (last(s, w->dir_b, w->name_b) != NONE)
		list[n++] = EEXIST;
	if (is_gone(s, w->dir_b) || !s->node[w->held].links)
		list[n++] = ENOENT;
	if (s->node[w->held].type == 'd')
		list[n++] = EPERM;
	if (n)
		return one_of(op, list, n);
	if (success(op) == NO)
		return NO;
	set_entry(s, w->dir_b, w->name_b, w->held);
	return DONE;
}

/* The errors that a rename may have; POSIX gives them no order. */
static int rename_errors(const struct state *s, const struct walk *w, int old,
			 int new, bool exchange, int *list)
{
	int n = 0;
	bool dir = s->node[old].type == 'd';
	bool onto_dir = new != NONE && s->node[new].type == 'd';

	if (is_gone(s, w->dir_b))
		list[n++] = ENOENT;
	if (dir && is_below(s, w->dir_b, old))
		list[n++] = EINVAL;
	if (exchange) {
		if (onto_dir && is_below(s, w->dir_a, new))
			list[n++] = EINVAL;
		return n;
	}
	if (new == NONE || new == old)
		return n;
	if (dir && !onto_dir)
		list[n++] = ENOTDIR;
	if (!dir && onto_dir)
		list[n++] = EISDIR;
	if (onto_dir && !is_empty(&s->node[new]))
		list[n++] = ENOTEMPTY;
	return n;
}

static enum outcome any_rename(struct state *s, struct walk *w,
			       const struct op *op, bool noreplace,
			       bool exchange)
{
	int old = last(s, w->dir_a, w->name_a);
	int new = last(s, w->dir_b, w->name_b);
	int list[8], n;

	if (old == NONE || (exchange && new == NONE))
		return answer(op, ENOENT);
	n = rename_errors(s, w, old, new, exchange, list);
	if (noreplace && new != NONE)
		list[n++] = EEXIST;
	if (n)
		return one_of(op, list, n);
	if (success(op) == NO)
		return NO;
	if (old == new) /* later it might do something */
		return DONE;
	s->node[old].links++; /* it lives on between its names */
	if (new != NONE)
		s->node[new].links++;
	set_entry(s, w->dir_a, w->name_a, exchange ? new : NONE);
	set_entry(s, w->dir_b, w->name_b, old);
	s->node[old].links--;
	if (new != NONE)
		s->node[new].links--;
	return DONE;
}

enum outcome final_rename(struct state *s, struct walk *w, const struct op *op,
			  int id)
{
	(void)id;
	return any_rename(s, w, op, false, false);
}

enum outcome final_noreplace(struct state *s, struct walk *w,
			     const struct op *op, int id)
{
	(void)id;
	return any_rename(s, w, op, true, false);
}

enum outcome final_exchange(struct state *s, struct walk *w,
			    const struct op *op, int id)
{
	(void)id;
	return any_rename(s, w, op, false, true);
}

/* S11: what was there throughout, once; what never was there, never. */
enum outcome final_readdir(struct state *s, struct walk *w, const struct op *op,
			   int id)
{
	(void)id;
	if (w->stage != LISTING) {
		int node = last(s, w->dir_a, w->name_a);
		uint8_t there = 0;

		if (node == NONE)
			return answer(op, ENOENT);
		if (s->node[node].type == 'l') {
			w->name_a = s->node[node].target;
			return w->loops++ < 40 ? MORE : answer(op, ELOOP);
		}
		if (s->node[node].type != 'd')
			return answer(op, ENOTDIR);
		for (int i = 0; i < NAMES; i++)
			if (s->node[node].entry[i] != NONE)
				there |= (uint8_t)(1 << i);
		w->stage = LISTING;
		w->dir = (uint8_t)node;
		w->present = there;
		w->absent = (uint8_t)~there;
		return MORE;
	}
	if (!is_unknown(op) &&
	    (op->seen & ~w->present || (uint8_t)~op->seen & ~w->absent ||
	     op->twice & ~w->changed))
		return NO;
	return answer(op, 0);
}
