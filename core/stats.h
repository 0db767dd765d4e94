/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters, one per line of stats.def.  Each process counts for itself. */
#ifndef BFS_STATS_H
#define BFS_STATS_H

#include <stddef.h>
#include <stdint.h>

struct bfs_stats {
#define STAT(name, unit, help) uint64_t name;
#include "core/stats.def"
#undef STAT
};

enum bfs_stat {
#define STAT(name, unit, help) BFS_STAT_##name,
#include "core/stats.def"
#undef STAT
	BFS_STAT_COUNT
};

extern struct bfs_stats bfs_stats;

/*
 * Not atomic: a counter may miss a beat when threads race, never more.  It is
 * one instruction so; ThreadSanitizer is told that it is meant.
 */
#ifdef BFS_TSAN
#define bfs_stat_add(name, n) \
	__atomic_store_n(&bfs_stats.name, \
			 __atomic_load_n(&bfs_stats.name, __ATOMIC_RELAXED) + \
				 (uint64_t)(n), \
			 __ATOMIC_RELAXED)
#else
#define bfs_stat_add(name, n) (bfs_stats.name += (uint64_t)(n))
#endif

const char *bfs_stat_name(unsigned i);
const char *bfs_stat_unit(unsigned i);
const char *bfs_stat_help(unsigned i);

#endif
