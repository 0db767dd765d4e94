/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes beyond the size that failed writers have left on other shards: they
 * must not come to light (RULES 18).  What living writers have announced is
 * never dirty.
 */
#include "server/hold.h"
#include "server/stripe_home.h"

#include "core/log.h"
#include "core/util.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

static void add(struct bfs_stripe *s, const struct bfs_inode *i,
		uint64_t offset, uint64_t end)
{
	struct bfs_dirty *d;
	struct bfs_grant *g;

	DL_FOREACH(s->grants, g)
	{
		if (g->offset >= end || g->end <= offset)
			continue;
		if (offset < g->offset)
			add(s, i, offset, g->offset);
		if (g->end < end)
			add(s, i, g->end, end);
		return;
	}
	d = malloc(sizeof(*d));
	if (!d) { /* more than is: the next who extends waits for its cut */
		s->unsure = true;
		return;
	}
	*d = (struct bfs_dirty){ .offset = offset, .end = end };
	LL_PREPEND(s->dirty, d);
}

static void trim(struct bfs_stripe *s, uint64_t size)
{
	struct bfs_dirty *d, *next;

	LL_FOREACH_SAFE(s->dirty, d, next)
	{
		d->offset = BFS_MAX(d->offset, size);
		if (d->offset < d->end)
			continue;
		LL_DELETE(s->dirty, d);
		free(d);
	}
}

void bfs_stripe_dirty(struct bfs_fs *fs, struct bfs_inode *i, uint64_t offset,
		      uint64_t end)
{
	uint64_t size;

	if (bfs_stripe_size(fs, i, &size))
		return;
	offset = BFS_MAX(offset, size);
	if (offset < end)
		add(bfs_inode_stripe(i), i, offset, end);
}

void bfs_stripe_wrote(struct bfs_fs *fs, struct bfs_inode *i)
{
	uint64_t size;

	if (!S_ISREG(i->mode) || !bfs_inode_stripe(i) ||
	    !bfs_inode_stripe(i)->dirty)
		return;
	if (!bfs_stripe_size(fs, i, &size))
		trim(bfs_inode_stripe(i), size);
}

static int cut(struct bfs_fs *fs, struct bfs_inode *i, uint64_t offset,
	       uint64_t end)
{
	struct bfs_shards whom = { 0 };
	int r = bfs_cut_whom(fs, i, offset, end, &whom);

	if (r)
		return r;
	return bfs_cut_add(fs, i, offset, end, &whom, true) ? 0 : -ENOMEM;
}

int bfs_stripe_clean(struct bfs_fs *fs, struct bfs_inode *i, uint64_t end)
{
	struct bfs_stripe *s = bfs_stripe_get(fs, i);
	struct bfs_dirty *d, *next;
	uint64_t size;
	int r = s ? bfs_stripe_size(fs, i, &size) : -ENOMEM;

	if (r || end <= size)
		return r;
	if (s->unsure && !s->grants) {
		r = cut(fs, i, size, UINT64_MAX);
		if (r)
			return r;
		s->unsure = false;
		trim(s, UINT64_MAX);
	}
	LL_FOREACH_SAFE(s->dirty, d, next)
	{
		if (d->offset >= end)
			continue;
		r = cut(fs, i, d->offset, d->end);
		if (r)
			return r;
		LL_DELETE(s->dirty, d);
		free(d);
	}
	return 0;
}
