/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/stats.h"

struct bfs_stats bfs_stats;

static const struct {
	const char *name, *unit, *help;
} table[] = {
#define STAT(name, unit, help) { #name, unit, help },
#include "core/stats.def"
#undef STAT
};

const char *bfs_stat_name(unsigned i)
{
	return i < BFS_STAT_COUNT ? table[i].name : "unknown";
}

const char *bfs_stat_unit(unsigned i)
{
	return i < BFS_STAT_COUNT ? table[i].unit : "";
}

const char *bfs_stat_help(unsigned i)
{
	return i < BFS_STAT_COUNT ? table[i].help : "";
}
