/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/stripe_plan.h"

#include "core/util.h"

#include <string.h>

bool bfs_plan_next(const struct bfs_plan *p, unsigned shard,
		   struct bfs_piece *at)
{
	uint64_t pos = BFS_MAX(at->offset + at->len, p->offset);
	uint64_t chunk = pos >> p->chunk, last;
	unsigned skip;

	if (pos >= p->end)
		return false;
	last = (p->end - 1) >> p->chunk;
	skip = (unsigned)((shard + p->nshards -
			   (p->home + chunk) % p->nshards) %
			  p->nshards);
	if (skip > last - chunk)
		return false;
	if (skip)
		pos = (chunk + skip) << p->chunk;
	at->offset = pos;
	at->len = BFS_MIN(p->end - pos,
			  ((uint64_t)1 << p->chunk) -
				  (pos & (((uint64_t)1 << p->chunk) - 1)));
	return true;
}

uint64_t bfs_plan_bytes(const struct bfs_plan *p, unsigned shard)
{
	struct bfs_piece at = { 0 };
	uint64_t n = 0;

	while (bfs_plan_next(p, shard, &at))
		n += at.len;
	return n;
}

bool bfs_plan_whole(const struct bfs_plan *p, unsigned shard)
{
	struct bfs_piece at = { 0 };

	if (p->offset >= p->end)
		return true;
	return bfs_plan_next(p, shard, &at) && at.offset == p->offset &&
	       at.len == p->end - p->offset;
}

uint64_t bfs_plan_front(const struct bfs_plan *p, unsigned shard, uint64_t done)
{
	struct bfs_piece at = { 0 };

	while (bfs_plan_next(p, shard, &at)) {
		if (done < at.len)
			return at.offset + done;
		done -= at.len;
	}
	return p->end;
}

void bfs_plan_gather(const struct bfs_plan *p, unsigned shard,
		     const uint8_t *data, uint8_t *out)
{
	struct bfs_piece at = { 0 };

	for (; bfs_plan_next(p, shard, &at); out += at.len)
		memcpy(out, data + (at.offset - p->offset), at.len);
}

void bfs_plan_scatter(const struct bfs_plan *p, unsigned shard, uint8_t *data,
		      const uint8_t *in, size_t len)
{
	struct bfs_piece at = { 0 };

	while (bfs_plan_next(p, shard, &at)) {
		size_t some = BFS_MIN(at.len, len);

		memcpy(data + (at.offset - p->offset), in, some);
		memset(data + (at.offset - p->offset) + some, 0, at.len - some);
		in += some;
		len -= some;
	}
}
