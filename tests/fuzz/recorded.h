/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages that were recorded from tests (record.sh), in tests/fuzz/seeds:
 * lines "name q fields" (a request) and "name p fields" (its reply, sooner or
 * later) in hex; an empty line ends what one client, or daemon, has sent.
 */
#ifndef BFS_TESTS_FUZZ_RECORDED_H
#define BFS_TESTS_FUZZ_RECORDED_H

#include "tests/fuzz/fuzz.h"

#include <stdbool.h>

struct recorded {
	uint32_t op;
	bool reply;
	bool last; /* of its run */
	size_t len;
	uint8_t fields[256];
};

/* The n-th line of that file (calls, peers); NULL: there are no more. */
const struct recorded *recorded_line(const char *file, unsigned n);
void recorded_free(void);

/*
 * The n-th run of that file as an input of a target whose messages are made by
 * fuzz_make(): before() puts what goes before each, after() what goes behind.
 * opens: the target learns handles from answers to OPEN only.  Its length; 0:
 * there are no more.
 */
struct fuzz_out {
	uint8_t *pos, *end;
};
struct recorded_form {
	bool opens;
	void (*before)(struct fuzz_out *o, const struct recorded *m);
	void (*after)(struct fuzz_out *o, const struct recorded *m);
};
size_t recorded_run(const char *file, unsigned n, const struct recorded_form *f,
		    uint8_t buf[FUZZ_MAX]);

static inline void fuzz_put(struct fuzz_out *o, uint8_t b)
{
	if (o->pos < o->end)
		*o->pos++ = b;
}

/* The byte that fuzz_take_op() takes for that. */
uint8_t recorded_op(uint32_t op);

#endif
