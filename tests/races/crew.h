/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A crew of client processes, perhaps on several nodes: the environment may
 * give BENCHFS_TEST_NODE_<i>, words that are put before the command of client
 * i (with fewer of them than clients, they take turns).  What the clients
 * share is a mapped file outside of BenchFS.  The one who starts them does
 * not touch BenchFS.
 */
#ifndef BFS_RACES_CREW_H
#define BFS_RACES_CREW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CREW_MAX 256
#define CREW_COUNTS 64

struct crew {
	char dir[256]; /* where in BenchFS */
	uint32_t clients, rounds, secs;
	uint64_t seed, size;
	_Atomic uint32_t turn, waiting, failed;
	_Atomic uint64_t ready;
	_Atomic uint64_t count[CREW_COUNTS]; /* for the workload's own use */
	char area[] __attribute__((aligned(64)));
};

/* A new file, with size bytes of area, all zero. */
struct crew *crew_make(const char *file, const char *dir, uint32_t clients,
		       size_t size);
struct crew *crew_open(const char *file);

/* Runs `prog --client I FILE WORDS...` for all I, prog being ourselves; after
 * c->secs they are killed.  0 if all end well. */
int crew_run(struct crew *c, const char *file, char *const words[]);

/* All clients come together; the last one starts them again.  Ends the
 * program if one has failed or time is over. */
void crew_meet(struct crew *c);
/* The same, and all begin at the same moment. */
void crew_race(struct crew *c);

/* A client's promise was broken: says so and ends the program. */
void crew_fail(struct crew *c, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));
#define crew_want(c, what) \
	((what) ? (void)0 : crew_fail(c, "%s: not so (errno %m)", #what))

/* xorshift; the state is not 0 */
uint32_t crew_random(uint64_t *state);
uint64_t crew_now(void); /* ns, the same clock for all of a machine */

#endif
