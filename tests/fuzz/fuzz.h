/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fuzz target: fuzz_one() must survive any bytes, and abort() where a
 * promise is broken.  libFuzzer runs it (check-fuzz), or drive.c does, which
 * needs no clang (make check).
 */
#ifndef BFS_TESTS_FUZZ_H
#define BFS_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FUZZ_MAX 4096 /* bytes of an input */

/* Runs of `make check`: as many as take about two seconds. */
extern const unsigned fuzz_runs;

void fuzz_one(const uint8_t *data, size_t len);
/* The n-th of the inputs to start from, its length; 0: there are no more. */
size_t fuzz_seed(unsigned n, uint8_t buf[FUZZ_MAX]);
/* All is given back, so that a leak shows; and nothing stays on disk. */
void fuzz_end(void);

#define FUZZ_CHECK(cond) \
	((cond) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #cond))

static inline void fuzz_broken(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

/* Input that is used up from its front; past its end it is zeros. */
struct fuzz_in {
	const uint8_t *pos, *end;
};

static inline uint8_t fuzz_u8(struct fuzz_in *in)
{
	return in->pos < in->end ? *in->pos++ : 0;
}

static inline uint64_t fuzz_bytes(struct fuzz_in *in, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v |= (uint64_t)fuzz_u8(in) << 8 * i;
	return v;
}

/* xorshift64*, for seeds and mutations: the same on any machine. */
static inline uint64_t fuzz_draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1du;
}

/* Before the first run. */
void fuzz_begin(void);

/* For targets with daemons in them: quiet ones, whose files are in memory. */
static inline void fuzz_set_up(void)
{
	setenv("CMOCKA_TEST_ABORT", "1", 1); /* no test would catch it */
	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 0);
}

#endif
