/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Histories of concurrent calls, and whether some order explains them: an
 * order in which a call that ended before another began comes first, and in
 * which a file system that does one thing at a time gives these results.
 */
#ifndef BFS_RACES_HIST_H
#define BFS_RACES_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PROCS 8	   /* processes of a history */
#define FDS 2	   /* descriptors of a process */
#define NAMES 8	   /* a to h */
#define DEPTH 4	   /* components of a path */
#define BYTES 96   /* of a file */
#define OPS 400	   /* of a history */
#define UNKNOWN 40 /* of them with an unknown result */

enum call {
#define CALL(name, args, result) CALL_##name,
#include "calls.def"
#undef CALL
	CALLS
};

struct path {
	uint8_t n;
	uint8_t name[DEPTH];
};

#define NEVER UINT64_MAX /* the end of a call whose result is unknown */

struct op {
	uint64_t start, end; /* ns */
	uint8_t proc, call, fd, num;
	uint8_t name, kind, mode, from, to;
	bool loose; /* beside a change that need not be one step, for it */
	bool kept;  /* a close beside a call that is unknown */
	struct path a, b;
	char text[8];
	/* the result */
	int err; /* errno, 0 for success */
	uint32_t count;
	uint64_t ino;
	uint8_t type, len, got_name;
	uint8_t seen, twice; /* sets of names */
	char got[BYTES];
	int opened; /* fd: the index of its open, from 1 */
};

struct hist {
	struct op op[OPS];
	int n;
	uint8_t dirs; /* names of directories that are there at first */
	/* A kernel's: its link counts and names do not change in one step. */
	bool lax;
};

/* text.c: one call a line, "PROC START END CALL ARGS = RESULT". */
int hist_read(struct hist *h, const char *file);
void hist_print(const struct hist *h, FILE *f);
void op_print(const struct op *op, FILE *f);
extern const char *const call_name[CALLS], *const call_args[CALLS];
extern const char call_result[CALLS];
/* Does a call of this kind never change anything? */
bool call_only_looks(const struct op *op);

/* order.c: sort by start, and set loose, kept and opened. */
void hist_prepare(struct hist *h);

/* search.c */
enum verdict { RIGHT, WRONG, TOO_LONG };
/* Takes at most max steps; adds what it took to hist_steps. */
enum verdict hist_explain(const struct hist *h, uint64_t max);
extern uint64_t hist_steps;

/* part.c: in parts that have nothing to do with each other. */
enum verdict hist_check(const struct hist *h, struct hist *wrong);

/* shrink.c: the shortest part that is still unexplained. */
void hist_shrink(struct hist *h);

#endif
