/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/shards.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define WORD(shard) ((shard) / 64)
#define BIT(shard) (1ull << ((shard) % 64))

bool bfs_shards_has(const struct bfs_shards *s, unsigned shard)
{
	return WORD(shard) < s->nwords && s->words[WORD(shard)] & BIT(shard);
}

static int grow(struct bfs_shards *s, unsigned nwords)
{
	uint64_t *w = realloc(s->words, nwords * sizeof(*w));

	if (!w)
		return -ENOMEM;
	memset(w + s->nwords, 0, (nwords - s->nwords) * sizeof(*w));
	s->words = w;
	s->nwords = nwords;
	return 0;
}

int bfs_shards_add(struct bfs_shards *s, unsigned shard)
{
	if (WORD(shard) >= s->nwords && grow(s, WORD(shard) + 1))
		return -ENOMEM;
	s->words[WORD(shard)] |= BIT(shard);
	return 0;
}

void bfs_shards_remove(struct bfs_shards *s, unsigned shard)
{
	if (WORD(shard) < s->nwords)
		s->words[WORD(shard)] &= ~BIT(shard);
}

void bfs_shards_clear(struct bfs_shards *s)
{
	free(s->words);
	*s = (struct bfs_shards){ 0 };
}

unsigned bfs_shards_next(const struct bfs_shards *s, unsigned from)
{
	for (unsigned n = from; n < s->nwords * 64; n++)
		if (bfs_shards_has(s, n))
			return n;
	return UINT_MAX;
}
