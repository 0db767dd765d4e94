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

/* Not atomic: a counter may miss a beat when threads race, never more. */
#define bfs_stat_add(name, n) (bfs_stats.name += (uint64_t)(n))

const char *bfs_stat_name(unsigned i);
const char *bfs_stat_unit(unsigned i);
const char *bfs_stat_help(unsigned i);

#endif
