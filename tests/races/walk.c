/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A call in steps.  POSIX does not say that a path is walked at one moment:
 * each lookup has its own, and so has what is done with the file that was
 * found.
 */
#include "state.h"

#include <errno.h>
#include <string.h>

static final_fn *const finals[CALLS] = {
#define CALL(name, args, result) final_##name,
#include "calls.def"
#undef CALL
};

bool is_unknown(const struct op *op)
{
	return op->end == NEVER;
}

enum outcome answer(const struct op *op, int err)
{
	return is_unknown(op) || op->err == err ? QUIET : NO;
}

static bool has_path(const struct op *op, char which)
{
	return strchr(call_args[op->call], which);
}

/* Directories in the root that nobody changes need no lookup. */
static void begin(struct state *s, struct walk *w, const struct path *p)
{
	w->at = 0;
	w->dir = 0;
	w->pending = NONE;
	while (w->at + 1 < p->n && !w->dir && s->fixed & 1 << p->name[w->at])
		w->dir = s->node[0].entry[p->name[w->at++]];
}

/* Looks up one component that is not the last. */
static enum outcome look(struct state *s, struct walk *w, const struct op *op,
			 const struct path *p)
{
	const struct node *dir = &s->node[w->dir], *n;
	int name = w->pending != NONE ? w->pending : p->name[w->at];
	int node = dir->entry[name];

	if (node == NONE)
		return answer(op, ENOENT);
	n = &s->node[node];
	if (n->type == 'l') {
		w->pending = n->target;
		return w->loops++ < 40 ? MORE : answer(op, ELOOP);
	}
	if (n->type != 'd')
		return answer(op, ENOTDIR);
	w->dir = (uint8_t)node;
	w->pending = NONE;
	w->at++;
	return MORE;
}

/* The stages that need no moment of their own. */
static void go_on(struct state *s, struct walk *w, const struct op *op)
{
	if (w->stage == WALK_A && w->at + 1 >= op->a.n) {
		w->dir_a = w->dir;
		w->name_a = op->a.n ? op->a.name[op->a.n - 1] : NONE;
		w->stage = LAST;
		if (has_path(op, 'B')) {
			w->stage = WALK_B;
			begin(s, w, &op->b);
		}
	}
	if (w->stage == WALK_B && w->at + 1 >= op->b.n) {
		w->dir_b = w->dir;
		w->name_b = op->b.name[op->b.n - 1];
		w->stage = LAST;
	}
}

static void start(struct state *s, struct walk *w, const struct op *op)
{
	memset(w, 0, sizeof(*w));
	w->held = w->pending = NONE;
	w->stage = LAST;
	if (has_path(op, 'A')) {
		w->stage = WALK_A;
		begin(s, w, &op->a);
	}
}

enum outcome state_step(struct state *s, int thread, const struct op *op,
			int id)
{
	struct walk *w = &s->walk[thread];
	enum outcome out;

	if (w->stage == START)
		start(s, w, op);
	go_on(s, w, op);
	if (w->stage == WALK_A)
		out = look(s, w, op, &op->a);
	else if (w->stage == WALK_B)
		out = look(s, w, op, &op->b);
	else
		out = finals[op->call](s, w, op, id);
	if (out == DONE || out == QUIET) {
		w->stage = START;
		state_sweep(s);
	}
	return out;
}
