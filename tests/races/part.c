/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Directories in the root that no call joins are histories of their own.
 */
#include "hist.h"

#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 20000000

static int group_of(int *up, int i)
{
	while (up[i] != i)
		i = up[i];
	return i;
}

static void join(int *up, int a, int b)
{
	up[group_of(up, a)] = group_of(up, b);
}

/* The directory in the root where a call is, or -1 if it is everywhere. */
static int place_of(const struct hist *h, const struct op *op)
{
	if (strchr(call_args[op->call], 'A'))
		return op->a.n > 1 ? op->a.name[0] : -1;
	return op->opened ? place_of(h, &h->op[op->opened - 1]) : -1;
}

static bool find_groups(const struct hist *h, int *up)
{
	for (int i = 0; i < NAMES; i++)
		up[i] = i;
	for (int i = 0; i < h->n; i++) {
		const struct op *op = &h->op[i];

		if (op->call == CALL_exit)
			continue;
		if (place_of(h, op) < 0 || (op->b.n && op->b.n < 2))
			return false;
		if (op->b.n)
			join(up, op->a.name[0], op->b.name[0]);
	}
	return true;
}

static void take_group(const struct hist *h, const int *up, int group,
		       struct hist *part)
{
	part->n = 0;
	part->dirs = h->dirs;
	part->lax = h->lax;
	for (int i = 0; i < h->n; i++) {
		const struct op *op = &h->op[i];

		if (op->call == CALL_exit ||
		    group_of((int *)up, place_of(h, op)) == group)
			part->op[part->n++] = *op;
	}
	hist_prepare(part);
}

/* wrong: the part that no order explains. */
enum verdict hist_check(const struct hist *h, struct hist *wrong)
{
	struct hist *all = malloc(sizeof(*all));
	enum verdict v = RIGHT;
	int up[NAMES];

	*all = *h;
	hist_prepare(all);
	if (!find_groups(all, up)) {
		*wrong = *all;
		free(all);
		return hist_explain(wrong, STEPS_MAX);
	}
	for (int g = 0; g < NAMES && v == RIGHT; g++) {
		if (group_of(up, g) != g)
			continue;
		take_group(all, up, g, wrong);
		v = hist_explain(wrong, STEPS_MAX);
	}
	free(all);
	return v;
}
