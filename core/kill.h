/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Places where a test can have the process killed (tests/faults), which are
 * nothing in what is installed.  Any thread.
 */
#ifndef BFS_KILL_H
#define BFS_KILL_H

enum bfs_kill {
#define KILL(who, name, what) BFS_KILL_##name,
#include "core/kill.def"
#undef KILL
	BFS_KILLS
};

#ifdef BFS_FAULTS
void bfs_kill_point(enum bfs_kill point);
#define BFS_KILL_POINT(name) bfs_kill_point(BFS_KILL_##name)
#else
#define BFS_KILL_POINT(name) ((void)BFS_KILL_##name)
#endif

#endif
