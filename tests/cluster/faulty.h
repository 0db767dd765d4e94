/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Workloads that go on while something is wrong with the network or a daemon,
 * and what must hold of them: no call takes longer than it may, an error is one
 * that says so, what was acknowledged is there.
 */
#ifndef BFS_CLUSTER_FAULTY_H
#define BFS_CLUSTER_FAULTY_H

#include "tests/races/crew.h"

#include <errno.h>
#include <sys/types.h>

#define WORKERS 8
#define NUMBERS 8192 /* appended by one worker at most */
#define RECORDS 24
#define RECORD 47008 /* bytes, no multiple of anything */

enum phase { PHASE_BEFORE, PHASE_FAULT, PHASE_AFTER, PHASE_END };

struct worker {
	_Atomic uint64_t done, failed, longest; /* calls; ns */
	_Atomic uint64_t met;	/* that the fault has held up, or failed */
	_Atomic uint64_t after; /* calls that have succeeded after the fault */
	_Atomic uint64_t first_after; /* crew_now() of the first */
	/* Generations of each record: begun, and written for sure. */
	_Atomic uint32_t begun[RECORDS], sure[RECORDS];
	_Atomic uint32_t appended; /* numbers used */
	_Atomic uint8_t state[NUMBERS];
};

enum { UNKNOWN = 1, SURE, CUT };

struct shared {
	_Atomic uint32_t phase;
	_Atomic uint64_t from, over; /* crew_now() of the fault; 0: not yet */
	_Atomic uint64_t held; /* ns that a call takes at least that meets it */
	_Atomic uint64_t twice, restarted;
	struct worker w[WORKERS];
};

struct me {
	struct crew *crew;
	struct shared *s;
	struct worker *w;
	uint32_t number;
	uint64_t random;
	uint64_t began;
};

/* Around each call that may meet the fault: `r = END(me, BEGIN(me), call)` */
void call_begin(struct me *me);
/* The result, counted; an errno that is none of a fault's ends the test. */
ssize_t call_end(struct me *me, ssize_t r, const char *what);
#define TRY(me, call) \
	(call_begin(me), errno = 0, call_end(me, (ssize_t)(call), #call))

/* Is there more to be done? */
bool go_on(const struct me *me);
const char *path_of(const struct me *me, const char *name, uint32_t n);
/* An open that succeeds in the end. */
int open_at_last(struct me *me, const char *path, int flags);

/* Words that tell whose they are: rank, record, generation. */
void fill_record(void *buf, size_t n, uint32_t rank, uint32_t rec,
		 uint32_t gen);
/* All words are of a generation from..to; 0 is what never was written. */
void check_record(const struct me *me, const void *buf, size_t n, uint32_t rank,
		  uint32_t rec, uint32_t from, uint32_t to);

/* A workload: what worker does until the end, and what is looked at then, from
 * one node, when all is well again. */
#define WORKLOAD(name) \
	void do_##name(struct me *me); \
	void look_##name(struct me *me);
#include "tests/cluster/faulty.def"
#undef WORKLOAD

#endif
