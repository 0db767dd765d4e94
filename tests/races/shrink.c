/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The shortest part of a history that no order explains.  Only what makes it
 * easier to explain is done: leave out what comes later, and what changes
 * nothing.
 */
#include "hist.h"

#include <stdlib.h>
#include <string.h>

#define TRIAL 400000 /* steps */

static bool still_wrong(struct hist *h)
{
	hist_prepare(h);
	return hist_explain(h, TRIAL) == WRONG;
}

static void begin_copy(const struct hist *h, struct hist *to)
{
	to->n = 0;
	to->dirs = h->dirs;
	to->lax = h->lax;
}

/* Up to the moment t: what has not ended by then is unknown. */
static void cut(const struct hist *h, uint64_t t, struct hist *to)
{
	begin_copy(h, to);
	for (int i = 0; i < h->n; i++) {
		struct op op = h->op[i];

		if (op.start > t)
			continue;
		if (op.end > t) {
			if (call_result[op.call])
				continue;
			op.end = NEVER;
		}
		to->op[to->n++] = op;
	}
}

static int by_time(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

static void shortest_prefix(struct hist *h, struct hist *trial)
{
	static uint64_t ends[OPS];
	int low = 0, high = h->n - 1;

	for (int i = 0; i < h->n; i++)
		ends[i] = h->op[i].end;
	qsort(ends, (size_t)h->n, sizeof(ends[0]), by_time);
	while (low < high) {
		int mid = (low + high) / 2;

		cut(h, ends[mid], trial);
		if (still_wrong(trial))
			high = mid;
		else
			low = mid + 1;
	}
	cut(h, ends[high], trial);
	if (still_wrong(trial))
		*h = *trial;
}

/* May the call be left out, with what was done by its descriptor? */
static bool may_go(const struct hist *h, int i)
{
	const struct op *op = &h->op[i];

	if (op->end != NEVER && call_only_looks(op))
		return true;
	if (op->call != CALL_open || op->end == NEVER)
		return false;
	for (int k = 0; k < h->n; k++)
		if (h->op[k].opened == i + 1 && h->op[k].call != CALL_close &&
		    !call_only_looks(&h->op[k]))
			return false;
	return true;
}

static void leave_out(const struct hist *h, int i, struct hist *to)
{
	bool opens = h->op[i].call == CALL_open && !h->op[i].err;

	begin_copy(h, to);
	for (int k = 0; k < h->n; k++)
		if (k != i && !(opens && h->op[k].opened == i + 1))
			to->op[to->n++] = h->op[k];
}

void hist_shrink(struct hist *h)
{
	struct hist *trial = calloc(1, sizeof(*trial));

	if (!trial)
		return;
	hist_prepare(h);
	shortest_prefix(h, trial);
	for (int i = 0; i < h->n;) {
		if (may_go(h, i)) {
			leave_out(h, i, trial);
			if (still_wrong(trial)) {
				*h = *trial;
				continue;
			}
		}
		i++;
	}
	free(trial);
}
