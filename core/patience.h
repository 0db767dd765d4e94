/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long to look for something before going to sleep (NUMBERS: waiting):
 * for the least, for longer, or not at all.  To be woken takes 25 to 50 us.  If
 * both sides of a call look for less than that, each is woken for each call,
 * and each time too late for the other one to be awake still.  So whoever finds
 * that he was woken after a short sleep tries to look for longer.  If it does
 * not come while we look, but as soon as we sleep, it may well be that we keep
 * it off the core: then we look for less, and the next try is ever later.  Any
 * thread.
 */
#ifndef BFS_PATIENCE_H
#define BFS_PATIENCE_H

#include <stdatomic.h>
#include <stdint.h>

#define BFS_PATIENCE_TIMES 10 /* the least, at most */
#define BFS_PATIENCE_SCORE 4  /* wasted looks until we look for less */
#define BFS_PATIENCE_SKIP 64  /* short sleeps between two tries, at most */

enum bfs_patience_level { BFS_LOOK_NOT, BFS_LOOK_LEAST, BFS_LOOK_LONG };

struct bfs_patience {
	uint32_t least_ns;
	_Atomic uint32_t level;
	_Atomic uint32_t score; /* how well it went lately, at that level */
	/* To come to a level: short sleeps until the next try, and what that
	 * becomes when the try is wasted. */
	_Atomic uint32_t skip[3], failed[3];
};

static inline uint32_t bfs_patience_get(const _Atomic uint32_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static inline void bfs_patience_set(_Atomic uint32_t *v, uint32_t value)
{
	atomic_store_explicit(v, value, memory_order_relaxed);
}

static inline void bfs_patience_level(struct bfs_patience *p, uint32_t level,
				      uint32_t score)
{
	bfs_patience_set(&p->level, level);
	bfs_patience_set(&p->score, score);
}

static inline void bfs_patience_init(struct bfs_patience *p, unsigned spin_us)
{
	p->least_ns = spin_us * 1000;
	bfs_patience_level(p, BFS_LOOK_LONG, BFS_PATIENCE_SCORE / 2);
	for (int i = 0; i < 3; i++) {
		bfs_patience_set(&p->skip[i], 0);
		bfs_patience_set(&p->failed[i], 1);
	}
}

static inline uint64_t bfs_patience_ns(const struct bfs_patience *p,
				       uint32_t level)
{
	if (level == BFS_LOOK_NOT)
		return 0;
	return level == BFS_LOOK_LEAST
		       ? p->least_ns
		       : (uint64_t)p->least_ns * BFS_PATIENCE_TIMES;
}

/* For the next wait, in nanoseconds. */
static inline uint64_t bfs_patience(const struct bfs_patience *p)
{
	return bfs_patience_ns(p, bfs_patience_get(&p->level));
}

/* It came while we looked, and would not have with the level below. */
static inline void bfs_patience_paid(struct bfs_patience *p, uint32_t level)
{
	uint32_t s = bfs_patience_get(&p->score);

	if (s < BFS_PATIENCE_SCORE)
		bfs_patience_set(&p->score, s + 1);
	if (bfs_patience_get(&p->failed[level]) != 1)
		bfs_patience_set(&p->failed[level], 1);
}

static inline void bfs_patience_wasted(struct bfs_patience *p, uint32_t level)
{
	uint32_t s = bfs_patience_get(&p->score);
	uint32_t f = bfs_patience_get(&p->failed[level]);

	if (s > 1) {
		bfs_patience_set(&p->score, s - 1);
		return;
	}
	bfs_patience_level(p, level - 1, BFS_PATIENCE_SCORE);
	bfs_patience_set(&p->skip[level], f);
	if (f < BFS_PATIENCE_SKIP)
		bfs_patience_set(&p->failed[level], 2 * f);
}

/* The sleep was short: would it come while we look for longer?  True: we are
 * going to see. */
static inline int bfs_patience_try(struct bfs_patience *p, uint32_t level)
{
	uint32_t skip = bfs_patience_get(&p->skip[level]);

	if (skip)
		bfs_patience_set(&p->skip[level], skip - 1);
	else
		bfs_patience_level(p, level, 1);
	return !skip;
}

/* What we looked for came after ns nanoseconds; we slept after the first
 * looked. */
static inline void bfs_patience_note(struct bfs_patience *p, uint64_t ns,
				     uint64_t looked)
{
	uint32_t level = bfs_patience_get(&p->level);
	int soon = ns < bfs_patience_ns(p, BFS_LOOK_LONG);

	if (looked != bfs_patience_ns(p, level))
		return; /* not as long as we meant to */
	if (ns <= looked) {
		if (level > BFS_LOOK_NOT && ns > bfs_patience_ns(p, level - 1))
			bfs_patience_paid(p, level);
		return;
	}
	if (soon && level < BFS_LOOK_LONG && bfs_patience_try(p, BFS_LOOK_LONG))
		return;
	if (soon && level == BFS_LOOK_NOT)
		bfs_patience_try(p, BFS_LOOK_LEAST);
	/* Nothing to do for long is no reason not to look at all. */
	if (level == BFS_LOOK_LONG || (level == BFS_LOOK_LEAST && soon))
		bfs_patience_wasted(p, level);
}

#endif
