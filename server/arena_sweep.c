/* SPDX-License-Identifier: BSD-3-Clause */
/* Going through the records of arenas (arena.h). */
#include "server/arena_impl.h"

#include "core/proto.h"
#include "core/util.h"

#include <stdatomic.h>

#define SLICE_NS 2000000ull /* of the daemon's time in one go */

/* How many records have been used.  Clients can write that at any time: what
 * has been checked is what is used. */
static uint32_t used_to(const struct bfs_user_arena *a)
{
	uint32_t high = a->map->high;

	return BFS_MIN(high, BFS_ARENA_RECORDS);
}

void bfs_arenas_each(struct bfs_arenas *all,
		     void (*fn)(void *arg, uint32_t uid, uint32_t slot,
				const struct bfs_desc *d),
		     const struct bfs_arena_sweep *ops)
{
	struct bfs_user_arena *a, *next;

	HASH_ITER(hh, all->by_uid, a, next)
	{
		uint32_t high = used_to(a);

		for (uint32_t i = 0; i < high; i++) {
			const struct bfs_desc *d = &a->map->desc[i];
			uint32_t word = d->word;

			if (BFS_DESC_STATE(word) == BFS_DESC_USED &&
			    bfs_arenas_record_lives(all, a, d, word, ops))
				fn(ops->arg, a->uid, i, d);
		}
	}
}

/* Of the users from uid on, the first. */
static struct bfs_user_arena *first_from(struct bfs_arenas *all, uint32_t uid)
{
	struct bfs_user_arena *a, *next, *best = NULL;

	HASH_ITER(hh, all->by_uid, a, next)
	if (a->uid >= uid && (!best || a->uid < best->uid))
		best = a;
	return best;
}

/* False: fn takes no more, from *slot on. */
static bool page_of(const struct bfs_arenas *all, struct bfs_user_arena *a,
		    uint32_t *slot,
		    bool (*fn)(void *arg, uint32_t uid, uint32_t slot,
			       const struct bfs_desc *d),
		    const struct bfs_arena_sweep *ops, bool *making)
{
	uint32_t high = used_to(a);

	for (; *slot < high; ++*slot) {
		const struct bfs_desc *d = &a->map->desc[*slot];
		uint32_t word = d->word, state = BFS_DESC_STATE(word);

		if (state == BFS_DESC_FREE ||
		    !bfs_arenas_record_lives(all, a, d, word, ops))
			continue;
		if (state == BFS_DESC_MADE)
			*making = true;
		else if (!fn(ops->arg, a->uid, *slot, d))
			return false;
	}
	return true;
}

bool bfs_arenas_page(struct bfs_arenas *all, uint32_t *uid, uint32_t *slot,
		     bool (*fn)(void *arg, uint32_t uid, uint32_t slot,
				const struct bfs_desc *d),
		     const struct bfs_arena_sweep *ops, bool *making)
{
	struct bfs_user_arena *a;

	while ((a = first_from(all, *uid))) {
		if (a->uid != *uid)
			*slot = 0;
		*uid = a->uid;
		if (!page_of(all, a, slot, fn, ops, making))
			return true;
		if (*uid == UINT32_MAX)
			break;
		++*uid;
		*slot = 0;
	}
	return false;
}

/* Has it to be looked at again soon? */
static bool sweep_one(const struct bfs_arenas *all,
		      const struct bfs_user_arena *a, struct bfs_desc *d,
		      const struct bfs_arena_sweep *ops)
{
	struct bfs_handle h = bfs_desc_handle(d);
	uint32_t word = d->word;
	bool sync = BFS_DESC_STATE(word) == BFS_DESC_USED &&
		    h.rights & BFS_RIGHT_SYNC;

	if (BFS_DESC_STATE(word) == BFS_DESC_FREE)
		return false;
	if (bfs_arenas_record_lives(all, a, d, word, ops))
		return sync;
	/* Dead twice, a second apart: a record whose maker has not signed
	 * yet looks dead once. */
	if (atomic_exchange(&d->suspect, word) != word)
		return true;
	if (atomic_compare_exchange_strong(
		    &d->word, &word,
		    BFS_DESC_WORD(BFS_DESC_GEN(word), BFS_DESC_FREE)) &&
	    sync)
		ops->closed(ops->arg, h);
	return false;
}

/* One above the last record of those from *from to *to that is in use; from, if
 * none is. */
static uint32_t top_of(const struct bfs_user_arena *a, uint32_t from,
		       uint32_t to)
{
	while (to > from &&
	       BFS_DESC_STATE(a->map->desc[to - 1].word) == BFS_DESC_FREE)
		to--;
	return to;
}

static void raise_high(struct bfs_user_arena *a, uint32_t to)
{
	uint32_t high = a->map->high;

	while (high < to &&
	       !atomic_compare_exchange_weak(&a->map->high, &high, to))
		;
}

/*
 * What few processes leave behind of many is not looked through for ever.  Who
 * takes a record raises the mark behind that: so either he sees that it is
 * lower, or we see his record.
 */
static void lower_high(struct bfs_user_arena *a, uint32_t high)
{
	uint32_t top = top_of(a, a->top, high);

	if (top < high &&
	    atomic_compare_exchange_strong(&a->map->high, &high, top))
		raise_high(a, top_of(a, top, high));
}

/* False: the time is over. */
static bool sweep_arena(struct bfs_arenas *all, struct bfs_user_arena *a,
			const struct bfs_arena_sweep *ops, uint64_t end)
{
	uint32_t high = used_to(a);

	for (; a->swept < high; a->swept++) {
		struct bfs_desc *d = &a->map->desc[a->swept];

		if (BFS_DESC_STATE(d->word) == BFS_DESC_FREE)
			continue;
		if (bfs_now() >= end)
			return false;
		all->again |= sweep_one(all, a, d, ops);
		a->top = a->swept + 1;
	}
	return true;
}

enum bfs_swept bfs_arenas_sweep(struct bfs_arenas *all,
				const struct bfs_arena_sweep *ops)
{
	uint64_t end = bfs_now() + SLICE_NS;
	bool again;
	struct bfs_user_arena *a, *next;

	HASH_ITER(hh, all->by_uid, a, next)
	if (!sweep_arena(all, a, ops, end))
		return BFS_SWEPT_PART;
	HASH_ITER(hh, all->by_uid, a, next)
	{
		lower_high(a, used_to(a));
		a->swept = a->top = 0;
	}
	again = all->again;
	all->again = false;
	return again ? BFS_SWEPT_SOON : BFS_SWEPT;
}
