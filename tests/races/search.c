/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The search for an order, as Wing and Gong have described it, with Lowe's
 * remedy: what has been tried in vain is remembered.  A call that can change
 * nothing with this result, and whose result is right now, is taken at once:
 * to take it later could help nobody.
 */
#include "state.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

uint64_t hist_steps;

struct search {
	const struct hist *h;
	int threads;
	int seq[THREADS][OPS + 1]; /* indices of calls, then -1 */
	struct hash *tried;
	size_t size, used;
	uint64_t left;
};

struct place {
	struct state state;
	uint16_t at[THREADS];
};

static const struct op *next(const struct search *c, const struct place *p,
			     int t)
{
	int i = c->seq[t][p->at[t]];

	return i < 0 ? NULL : &c->h->op[i];
}

static void make_threads(struct search *c)
{
	int n[THREADS] = { 0 };

	c->threads = PROCS;
	for (int i = 0; i < c->h->n; i++) {
		const struct op *op = &c->h->op[i];
		int t = op->proc;

		if (is_unknown(op)) {
			if (c->threads == THREADS)
				errx(1, "more than %d unknown calls", UNKNOWN);
			t = c->threads++;
		}
		c->seq[t][n[t]++] = i;
	}
	for (int t = 0; t < c->threads; t++)
		c->seq[t][n[t]] = -1;
}

/* No call that begins later than this may be next. */
static uint64_t first_end(const struct search *c, const struct place *p)
{
	uint64_t end = NEVER;

	for (int t = 0; t < PROCS; t++) {
		const struct op *op = next(c, p, t);

		if (op && op->end < end)
			end = op->end;
	}
	return end;
}

static bool insert(struct hash *table, size_t size, struct hash h)
{
	size_t i = h.a & (size - 1);

	while (table[i].a | table[i].b) {
		if (table[i].a == h.a && table[i].b == h.b)
			return false;
		i = (i + 1) & (size - 1);
	}
	table[i] = h;
	return true;
}

static void grow(struct search *c)
{
	size_t size = c->size ? c->size * 2 : 1024;
	struct hash *table = calloc(size, sizeof(*table));

	if (!table)
		err(1, "calloc");
	for (size_t i = 0; i < c->size; i++)
		if (c->tried[i].a | c->tried[i].b)
			insert(table, size, c->tried[i]);
	free(c->tried);
	c->tried = table;
	c->size = size;
}

/* Has this place been tried before? */
static bool was_here(struct search *c, const struct place *p)
{
	struct hash h = state_hash(&p->state);

	for (int t = 0; t < c->threads; t++) {
		uint64_t v = (h.a ^ p->at[t]) * 0x9fb21c651e98df25ull;

		h.a = v ^ v >> 32;
		h.b = h.b * 31 + p->at[t];
	}
	h.a |= 1;
	if (c->used * 2 >= c->size)
		grow(c);
	if (!insert(c->tried, c->size, h))
		return true;
	c->used++;
	return false;
}

static enum outcome try_step(struct search *c, struct place *p, int t)
{
	int i = c->seq[t][p->at[t]];
	enum outcome out = state_step(&p->state, t, &c->h->op[i], i + 1);

	if (c->left)
		c->left--;
	hist_steps++;
	if (out == DONE || out == QUIET)
		p->at[t]++;
	return out;
}

/* Takes all calls that are right as they are; p is where that leads. */
static void take_quiet(struct search *c, struct place *p)
{
	struct place after;
	int t = 0;

	while (t < PROCS) {
		const struct op *op = next(c, p, t);

		if (op && op->start <= first_end(c, p)) {
			after = *p;
			if (try_step(c, &after, t) == QUIET) {
				*p = after;
				t = 0;
				continue;
			}
		}
		t++;
	}
}

/* The threads whose call may be next, the earliest end first. */
static int candidates(const struct search *c, const struct place *p, int *list)
{
	uint64_t limit = first_end(c, p);
	int n = 0;

	for (int t = 0; t < c->threads; t++) {
		const struct op *op = next(c, p, t);
		int i = n;

		if (!op || op->start > limit)
			continue;
		for (; i && next(c, p, list[i - 1])->end > op->end; i--)
			list[i] = list[i - 1];
		list[i] = t;
		n++;
	}
	return n;
}

static enum verdict explain(struct search *c, struct place *p)
{
	struct place after;
	int list[THREADS], n;

	take_quiet(c, p);
	if (first_end(c, p) == NEVER)
		return RIGHT;
	if (was_here(c, p))
		return WRONG;
	n = candidates(c, p, list);
	for (int i = 0; i < n; i++) {
		enum outcome out;
		enum verdict v;

		after = *p;
		out = try_step(c, &after, list[i]);
		if (out != MORE && out != DONE)
			continue;
		if (!c->left)
			return TOO_LONG;
		v = explain(c, &after);
		if (v != WRONG)
			return v;
	}
	return WRONG;
}

/* Directories in the root that no call may change. */
static uint8_t fixed_names(const struct hist *h)
{
	uint8_t fixed = h->dirs;

	for (int i = 0; i < h->n; i++) {
		const struct op *op = &h->op[i];

		if (call_result[op->call])
			continue;
		if (op->a.n == 1)
			fixed &= (uint8_t) ~(1 << op->a.name[0]);
		if (op->b.n == 1)
			fixed &= (uint8_t) ~(1 << op->b.name[0]);
	}
	return fixed;
}

enum verdict hist_explain(const struct hist *h, uint64_t max)
{
	struct search *c = calloc(1, sizeof(*c));
	struct place p;
	enum verdict v;

	if (!c)
		err(1, "calloc");
	c->h = h;
	c->left = max;
	make_threads(c);
	memset(&p, 0, sizeof(p));
	state_init(&p.state, h->dirs);
	p.state.walks = (uint8_t)c->threads;
	p.state.fixed = fixed_names(h);
	v = explain(c, &p);
	free(c->tried);
	free(c);
	return v;
}
