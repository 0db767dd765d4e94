/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * benchfs-worker: an ordinary program that makes plain libc calls, in the
 * configuration that it was started in.  Not thread-safe.
 */
#ifndef BFS_BENCH_WORKER_H
#define BFS_BENCH_WORKER_H

#include "tools/bench/bench.h"

#include <stddef.h>

/* One process's part in a work. */
struct bench_job {
	const struct bfs_work *work;
	const struct bench_place *place;
	unsigned rank;
	bool quick;
	uint64_t seed;	/* of random offsets */
	char dir[1024]; /* this process's own, or the shared one */
	int fd;
	char *buf;
	char *map;
	void *stream;	/* an open directory */
	uint64_t size;	/* of the file that is read or written */
	uint64_t files; /* that there are */
	uint64_t max;	/* operations in one round; set by before() */
	int helper;	/* a process beside the work; 0: none */
};

/*
 * What a work does.  All return 0 or -errno.  make() and drop() run once, in
 * the process that stays; join(), then for each round before(), op() until the
 * time is up, and after(), then leave() run in each of the processes that
 * work.  Only op() is timed.
 */
struct bench_body {
	int (*make)(struct bench_job *j);
	int (*join)(struct bench_job *j);
	int (*before)(struct bench_job *j);
	int (*op)(struct bench_job *j, uint64_t i);
	int (*after)(struct bench_job *j, uint64_t done);
	int (*leave)(struct bench_job *j);
	int (*drop)(struct bench_job *j);
};
#define SUITE(name, what)
#define WORK(suite, name, body, ...) \
	extern const struct bench_body bench_body_##body;
#include "tools/bench/works.def"
int bench_nothing(struct bench_job *j);
int bench_nothing_done(struct bench_job *j, uint64_t done);

/* A configuration's directory, and what programs started for it need. */
struct bench_place {
	char dir[512];
	char **env; /* NULL: as we have it */
	unsigned n_env;
};

/*
 * The processes of a work (worker_team.c).
 */
struct bench_team;
int bench_team_begin(struct bench_team **t, struct bench_job *j,
		     const struct bench_body *b);
int bench_team_round(struct bench_team *t, uint64_t budget, uint64_t *ops,
		     uint64_t *ns);
int bench_team_end(struct bench_team *t);

/* `benchfs-worker idle CLIENTS DIR FILES` (worker_idle.c); the exit status. */
int bench_idle_worker(char **args);

/* Helpers (worker_team.c, worker_meta.c). */
void bench_dir(const struct bench_job *j, char *out, size_t size, int rank);
uint64_t bench_random(struct bench_job *j);
int bench_remove_tree(const char *dir);

#endif
