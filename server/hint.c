/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/hint.h"

#include <stdlib.h>
#include <string.h>

static void forget(struct bfs_inode *i)
{
	if (!i->rare)
		return;
	free(i->rare->hint);
	i->rare->hint = NULL;
}

void bfs_hint_set(struct bfs_inode *i, uint64_t dir, struct bfs_str name)
{
	struct bfs_hint *h;

	forget(i);
	h = malloc(sizeof(*h) + name.len);
	if (!h || !bfs_inode_rare(i)) {
		free(h);
		return;
	}
	h->dir = dir;
	h->len = name.len;
	memcpy(h->name, name.ptr, name.len);
	i->rare->hint = h;
}

void bfs_hint_drop(struct bfs_inode *i, uint64_t dir, struct bfs_str name)
{
	struct bfs_str last = { 0 };

	if (bfs_hint_get(i, &last) == dir && last.len == name.len &&
	    !memcmp(last.ptr, name.ptr, name.len))
		forget(i);
}

uint64_t bfs_hint_get(const struct bfs_inode *i, struct bfs_str *name)
{
	const struct bfs_hint *h = i->rare ? i->rare->hint : NULL;

	if (!h)
		return 0;
	*name = (struct bfs_str){ h->name, h->len };
	return h->dir;
}
