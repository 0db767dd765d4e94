/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/bench/bench.h"

#include "core/util.h"

#define SHARED BFS_WORK_SHARED
#define HUGE BFS_WORK_HUGE
#define OUTSIDE BFS_WORK_OUTSIDE
#define SILENT BFS_WORK_SILENT
#define TWO BFS_WORK_TWO
#define NET BFS_WORK_NET

const struct bfs_work bfs_works[] = {
#define SUITE(name, what)
#define WORK(suite, name, body, bytes, processes, flags, batch, what) \
	{ BFS_SUITE_##suite, #name, what, bytes, processes, flags, batch },
#include "tools/bench/works.def"
};
const unsigned bfs_works_count = BFS_COUNT(bfs_works);

const char *const bfs_suite_name[BFS_SUITES] = {
#define SUITE(name, what) #name,
#define WORK(...)
#include "tools/bench/works.def"
};
const char *const bfs_suite_what[BFS_SUITES] = {
#define SUITE(name, what) what,
#define WORK(...)
#include "tools/bench/works.def"
};
