/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long to look for something before going to sleep (NUMBERS: waiting).
 * To be woken takes 25 to 50 us.  If both sides of a call look for less than
 * that, each is woken for each call, and each time too late for the other one
 * to be awake still.  So whoever finds that he was woken after a short sleep
 * looks for longer, and for less again when sleeps are long: nothing is coming,
 * or the other side does not get a core.  Any thread.
 */
#ifndef BFS_PATIENCE_H
#define BFS_PATIENCE_H

#include <stdatomic.h>
#include <stdint.h>

#define BFS_PATIENCE_TIMES 5 /* the least, at most */
#define BFS_PATIENCE_SCORE 4

struct bfs_patience {
	uint32_t least_ns;
	_Atomic uint32_t score; /* how well it went lately: 0 to _SCORE */
};

static inline void bfs_patience_init(struct bfs_patience *p, unsigned spin_us)
{
	p->least_ns = spin_us * 1000;
	p->score = BFS_PATIENCE_SCORE / 2;
}

static inline uint64_t bfs_patience_most(const struct bfs_patience *p)
{
	return (uint64_t)p->least_ns * BFS_PATIENCE_TIMES;
}

/* For the next wait, in nanoseconds. */
static inline uint64_t bfs_patience(const struct bfs_patience *p)
{
	return atomic_load_explicit(&p->score, memory_order_relaxed)
		       ? bfs_patience_most(p)
		       : p->least_ns;
}

/* What was waited for came after so many nanoseconds. */
static inline void bfs_patience_note(struct bfs_patience *p, uint64_t ns)
{
	uint32_t s = atomic_load_explicit(&p->score, memory_order_relaxed);

	if (ns < bfs_patience_most(p))
		s += s < BFS_PATIENCE_SCORE;
	else
		s -= s > 0;
	atomic_store_explicit(&p->score, s, memory_order_relaxed);
}

/* Something is about to come. */
static inline void bfs_patience_expect(struct bfs_patience *p)
{
	if (!atomic_load_explicit(&p->score, memory_order_relaxed))
		atomic_store_explicit(&p->score, 1, memory_order_relaxed);
}

#endif
