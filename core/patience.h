/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long to look for something before going to sleep (NUMBERS: waiting).
 * To be woken takes 25 to 50 us.  If both sides of a call look for less than
 * that, each is woken for each call, and each time too late for the other one
 * to be awake still.  So whoever finds that he was woken after a short sleep
 * tries to look for longer.  If it does not come then either, it may well be
 * our looking that keeps it off a core, so the next try is ever later.  Any
 * thread.
 */
#ifndef BFS_PATIENCE_H
#define BFS_PATIENCE_H

#include <stdatomic.h>
#include <stdint.h>

#define BFS_PATIENCE_TIMES 10 /* the least, at most */
#define BFS_PATIENCE_SCORE 4
#define BFS_PATIENCE_SKIP 64 /* short sleeps between two tries, at most */

struct bfs_patience {
	uint32_t least_ns;
	_Atomic uint32_t score;	 /* how well long looks went lately */
	_Atomic uint32_t skip;	 /* short sleeps until the next try */
	_Atomic uint32_t failed; /* what skip becomes when it fails */
};

static inline void bfs_patience_init(struct bfs_patience *p, unsigned spin_us)
{
	p->least_ns = spin_us * 1000;
	p->score = BFS_PATIENCE_SCORE / 2;
	p->skip = 0;
	p->failed = 1;
}

static inline uint64_t bfs_patience_most(const struct bfs_patience *p)
{
	return (uint64_t)p->least_ns * BFS_PATIENCE_TIMES;
}

static inline uint32_t bfs_patience_get(const _Atomic uint32_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static inline void bfs_patience_set(_Atomic uint32_t *v, uint32_t value)
{
	atomic_store_explicit(v, value, memory_order_relaxed);
}

/* For the next wait, in nanoseconds. */
static inline uint64_t bfs_patience(const struct bfs_patience *p)
{
	return bfs_patience_get(&p->score) ? bfs_patience_most(p) : p->least_ns;
}

/* It came while we looked for longer than the least. */
static inline void bfs_patience_paid(struct bfs_patience *p)
{
	uint32_t s = bfs_patience_get(&p->score);

	if (s < BFS_PATIENCE_SCORE)
		bfs_patience_set(&p->score, s + 1);
	bfs_patience_set(&p->failed, 1);
}

/* We looked for long and slept all the same. */
static inline void bfs_patience_wasted(struct bfs_patience *p)
{
	uint32_t s = bfs_patience_get(&p->score);
	uint32_t f = bfs_patience_get(&p->failed);

	if (s > 1) {
		bfs_patience_set(&p->score, s - 1);
		return;
	}
	bfs_patience_set(&p->score, 0);
	bfs_patience_set(&p->skip, f);
	if (f < BFS_PATIENCE_SKIP)
		bfs_patience_set(&p->failed, 2 * f);
}

/* The sleep was short: would it have come while we looked? */
static inline void bfs_patience_try(struct bfs_patience *p)
{
	uint32_t skip = bfs_patience_get(&p->skip);

	if (skip)
		bfs_patience_set(&p->skip, skip - 1);
	else
		bfs_patience_set(&p->score, 1);
}

/* What we looked for came after ns nanoseconds; we slept after the first
 * looked. */
static inline void bfs_patience_note(struct bfs_patience *p, uint64_t ns,
				     uint64_t looked)
{
	if (ns <= p->least_ns)
		return;
	if (ns <= looked)
		bfs_patience_paid(p);
	else if (looked > p->least_ns)
		bfs_patience_wasted(p);
	else if (ns < bfs_patience_most(p))
		bfs_patience_try(p);
}

/* Something is about to come. */
static inline void bfs_patience_expect(struct bfs_patience *p)
{
	if (!bfs_patience_get(&p->score))
		bfs_patience_set(&p->score, 1);
}

#endif
