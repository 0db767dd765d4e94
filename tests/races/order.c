/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be said of a history before any order is tried. */
#include "hist.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

static int by_start(const void *x, const void *y)
{
	const struct op *a = x, *b = y;

	return a->start < b->start ? -1 : a->start > b->start;
}

static bool opens(const struct op *op)
{
	return op->call == CALL_excl || op->call == CALL_creat ||
	       op->call == CALL_trunc || op->call == CALL_open;
}

static bool overlap(const struct op *a, const struct op *b)
{
	return a->start <= b->end && b->start <= a->end;
}

static bool truncates(const struct op *op)
{
	return op->call == CALL_ftrunc || op->call == CALL_trunc;
}

static bool changes_names(const struct op *op)
{
	return strchr(call_args[op->call], 'A') && !call_only_looks(op);
}

/*
 * What a read may see beside a truncation is not one moment's.  Neither is a
 * directory's link count beside a change of names, whose parts are on several
 * shards.
 */
static bool is_loose(const struct hist *h, const struct op *op)
{
	bool counts =
		call_result[op->call] == 'L' && (h->lax || op->type == 'd');

	if (op->call != CALL_read && !counts)
		return false;
	for (int i = 0; i < h->n; i++)
		if (overlap(&h->op[i], op) &&
		    (counts ? changes_names : truncates)(&h->op[i]))
			return true;
	return false;
}

/* Does a call on this description have an unknown result? */
static bool is_needed(const struct hist *h, const struct op *close)
{
	for (int i = 0; i < h->n; i++)
		if (h->op[i].end == NEVER && h->op[i].proc == close->proc &&
		    h->op[i].opened &&
		    (close->call == CALL_exit ||
		     h->op[i].opened == close->opened))
			return true;
	return false;
}

void hist_prepare(struct hist *h)
{
	int opened[PROCS][FDS] = { 0 };

	qsort(h->op, (size_t)h->n, sizeof(h->op[0]), by_start);
	for (int i = 0; i < h->n; i++) {
		struct op *op = &h->op[i];
		int *slot = &opened[op->proc][op->fd];

		op->opened = 0;
		if (!strchr(call_args[op->call], 'F'))
			continue;
		if (opens(op) && op->end != NEVER && !op->err)
			*slot = i + 1;
		else if (!opens(op))
			op->opened = *slot;
	}
	for (int i = 0; i < h->n; i++) {
		struct op *op = &h->op[i];

		op->loose = is_loose(h, op);
		op->kept = (op->call == CALL_close || op->call == CALL_exit) &&
			   is_needed(h, op);
	}
}
