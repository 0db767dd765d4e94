/* SPDX-License-Identifier: BSD-3-Clause */
/* Inode numbers: not equal, but what is one inode on one side is on both. */
#include "model.h"

#include <stdlib.h>

/* Pairs that were seen, by the number of the first side. */
struct pair {
	uint64_t ino[2];
	int64_t born[2];
};
static struct pair *pairs;
static unsigned npairs;

void same_forget(void)
{
	npairs = 0;
}

static bool is(const struct pair *p, int side, const struct result *r)
{
	return p->ino[side] == r->ino && p->born[side] == r->born;
}

bool same_inode(const struct result *a, const struct result *b)
{
	if (!a->ino && !b->ino)
		return true;
	for (unsigned i = 0; i < npairs; i++)
		if (is(&pairs[i], 0, a) || is(&pairs[i], 1, b))
			return is(&pairs[i], 0, a) && is(&pairs[i], 1, b);
	if (npairs % 64 == 0)
		pairs = realloc(pairs, (npairs + 64) * sizeof(*pairs));
	pairs[npairs++] =
		(struct pair){ { a->ino, b->ino }, { a->born, b->born } };
	return true;
}
