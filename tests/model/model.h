/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The differential tester: the same random calls in BenchFS and in a real
 * directory, by pairs of processes, must have the same results.
 */
#ifndef BFS_MODEL_H
#define BFS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define ARGS 6
#define FDS 8 /* descriptors of a process */
#define PROCS_MAX 8
enum { A_TIME, M_TIME, C_TIME, B_TIME, STAMPS };
#define DATA_MAX 20000 /* bytes of one read or write */

enum call {
#define CALL(name, often) CALL_##name,
#include "calls.def"
#undef CALL
	CALLS
};

struct step {
	uint32_t proc, call;
	uint32_t a[ARGS];
};

/* What one side answers; what may differ by right is not in it. */
struct result {
	int64_t ret; /* of the call; or -1 */
	int32_t err;
	uint32_t mode, nlink, uid, gid, rdev, blksize;
	int64_t size, blocks;
	int64_t stamp[STAMPS]; /* as stamp_of() tells */
	/* Which inode: the sides must agree which are the same; numbers are
	 * used again, but not at the same time of birth. */
	uint64_t ino;
	int64_t born;
	uint64_t hash; /* of data, names, values */
};

/* A process of one side, its name space and its descriptors. */
struct place {
	char root[200];
	int fd[FDS];
	int proc, side;
};

typedef void do_fn(struct place *w, const struct step *s, struct result *r);
#define CALL(name, often) do_fn do_##name;
#include "calls.def"
#undef CALL

/* args.c: what a number in a step means. */
const char *arg_path(const struct place *w, uint32_t n, char buf[4200]);
int arg_dirfd(const struct place *w, uint32_t n);
int *arg_fd(struct place *w, uint32_t n);
int arg_oflags(uint32_t n);
int arg_mode(uint32_t n);
int64_t arg_offset(uint32_t n);
uint32_t arg_size(uint32_t n);
uint32_t arg_id(uint32_t n);
const char *arg_xattr(uint32_t n);
/* n bytes that depend on what only. */
void arg_fill(char *buf, uint32_t n, uint32_t what);

uint64_t hash_more(uint64_t h, const void *p, size_t n);
#define HASH_START 0xcbf29ce484222325ull

/* Fill in ret and err. */
void answer(struct result *r, int64_t ret);
void answer_stat(struct result *r, int ret, const struct stat *st);
/* What stat does not tell, of the same place. */
void answer_born(struct result *r, int dirfd, const char *path, int flags);
/* For a path of this side: the part that both have. */
const char *below_root(const struct place *w, const char *path);

/* worker.c: serve the steps of a place until the coordinator ends. */
void work(struct place *w) __attribute__((noreturn));
/* The same without the preload library, whoever calls. */
void work_plain(struct place *w) __attribute__((noreturn));
/* After exec: argv as worker.c made it. */
#define WORKER_EXEC "--worker-exec"
#define WORKER_PLAIN "--worker-plain"
void work_again(int argc, char **argv) __attribute__((noreturn));
/* What the coordinator tells besides steps. */
#define PROC_QUIT 0x80000000u

/* The pipes: [side][proc][0 steps, 1 results][r, w]. */
extern int pipes[2][PROCS_MAX][2][2];

/*
 * stamp.c: when the steps began.  A time that two file systems stamp is never
 * the same; but the step that stamped it is, if no two share a tick.
 */
extern int stamp_fd; /* -1: times are not compared */
void stamp_init(unsigned steps);
void stamp_attach(int fd);
void stamp_restart(void);
void stamp_step(void); /* waits for the next tick: a step begins */
int64_t stamp_of(struct timespec t);

/* same.c: are those the same inodes? */
void same_forget(void);
bool same_inode(const struct result *a, const struct result *b);

/* steps.c */
extern const char *const call_names[CALLS];
void steps_random(struct step *s, unsigned n, unsigned procs, uint64_t seed);
void step_print(const struct step *s);
int steps_read(const char *file, struct step **s, unsigned *n, unsigned *procs);
void steps_write(const char *file, const struct step *s, unsigned n);

/* run.c: run them in fresh directories; the first that differs, or -1. */
int steps_run(const struct step *s, unsigned n, unsigned procs, bool tell);
void run_init(const char *a, const char *b);
extern uint64_t run_count[CALLS];
extern bool run_plain; /* REAL without the preload library */
extern bool run_trace; /* print each call */

/* shrink.c: leave the shortest sequence that still differs. */
unsigned steps_shrink(struct step *s, unsigned n, unsigned procs);

#endif
