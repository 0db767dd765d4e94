/* SPDX-License-Identifier: BSD-3-Clause */
/* What `benchfs bench` and its worker share: the works.  Not thread-safe. */
#ifndef BFS_BENCH_H
#define BFS_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#define BFS_WORK_SHARED 1u /* its processes use one file or directory */
#define BFS_WORK_HUGE 2u   /* a huge directory: plain and local only */
#define BFS_WORK_OUTSIDE \
	4u		   /* programs, started by a process without BenchFS \
			    */
#define BFS_WORK_SILENT 8u /* asks the daemon nothing */
#define BFS_WORK_TWO 16u   /* on two daemons too */
#define BFS_WORK_NET 32u   /* over UCX only; the plain directory beside it */

enum bfs_suite {
#define SUITE(name, what) BFS_SUITE_##name,
#define WORK(...)
#include "tools/bench/works.def"
	BFS_SUITES
};

struct bfs_work {
	enum bfs_suite suite;
	const char *name, *what;
	uint64_t bytes;
	unsigned processes, flags, batch;
};
extern const struct bfs_work bfs_works[];
extern const unsigned bfs_works_count;
extern const char *const bfs_suite_name[BFS_SUITES];
extern const char *const bfs_suite_what[BFS_SUITES];

/*
 * The worker talks to `benchfs bench` in lines, on its standard input and
 * output.  It stays for all works and rounds of a configuration.
 *
 *	place N DIR		directory of configuration N, 0 its own
 *	env N NAME=VALUE	for programs that it starts for N
 *	setup WORK N		number of the work, of the configuration
 *	round N NANOSECONDS	as many operations as fit
 *	clean N
 *	segments		UCX shared memory that it has mapped
 *	environ			lines "NAME=VALUE" before the answer
 *
 * Each is answered by "ok A B", for a round operations and nanoseconds, for
 * segments their number; or by "error ERRNO TEXT".
 *
 * `benchfs-worker idle CLIENTS DIR FILES` makes that many clients, says "ok",
 * makes the files after a line, says "ok" again, and waits for the end.
 */
#define BFS_WORKER_LINE 4096
#define BFS_WORKER_PLACES 8

#endif
