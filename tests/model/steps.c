/* SPDX-License-Identifier: BSD-3-Clause */
/* Sequences of steps: made, printed, written and read. */
#include "model.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const call_names[] = {
#define CALL(name, often) #name,
#include "calls.def"
#undef CALL
};

static const unsigned often[] = {
#define CALL(name, often) often,
#include "calls.def"
#undef CALL
};

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x * 0x2545f4914f6cdd1dull >> 32;
}

static uint32_t any_call(uint64_t *x)
{
	unsigned sum = 0, at;

	for (unsigned i = 0; i < CALLS; i++)
		sum += often[i];
	at = (unsigned)(next(x) % sum);
	for (unsigned i = 0;; i++) {
		if (at < often[i])
			return i;
		at -= often[i];
	}
}

void steps_random(struct step *s, unsigned n, unsigned procs, uint64_t seed)
{
	bool striped = getenv("MODEL_STRIPED");
	uint64_t x = seed * 0x9e3779b97f4a7c15ull + 1;

	for (unsigned i = 0; i < n; i++) {
		s[i].proc = (uint32_t)(next(&x) % procs);
		s[i].call = any_call(&x);
		for (int k = 0; k < ARGS; k++)
			s[i].a[k] = (uint32_t)next(&x);
		if (s[i].call == CALL_fork) /* another one */
			s[i].a[0] = (s[i].proc + 1 + s[i].a[0] % (procs - 1)) %
				    procs;
		/* no range is moved: the last two of its modes */
		if (s[i].call == CALL_fallocate && striped)
			s[i].a[1] %= 4;
	}
}

void step_print(const struct step *s)
{
	static const struct place w = { .root = "ROOT" };
	char path[2][4200];

	printf("process %u: %s", s->proc, call_names[s->call]);
	for (int k = 0; k < ARGS; k++)
		printf(" %u", s->a[k]);
	printf("   # paths %.40s, %.40s; descriptors %u, %u; flags 0%o; mode 0%o\n",
	       arg_path(&w, s->a[0], path[0]), arg_path(&w, s->a[1], path[1]),
	       s->a[0] % FDS, s->a[1] % FDS, arg_oflags(s->a[1]),
	       arg_mode(s->a[3]));
}

void steps_write(const char *file, const struct step *s, unsigned n)
{
	FILE *f = fopen(file, "w");

	if (!f)
		err(1, "%s", file);
	for (unsigned i = 0; i < n; i++) {
		fprintf(f, "%u %s", s[i].proc, call_names[s[i].call]);
		for (int k = 0; k < ARGS; k++)
			fprintf(f, " %u", s[i].a[k]);
		fputc('\n', f);
	}
	if (fclose(f))
		err(1, "%s", file);
}

static uint32_t call_named(const char *name)
{
	for (unsigned i = 0; i < CALLS; i++)
		if (!strcmp(name, call_names[i]))
			return i;
	errx(1, "no call named %s", name);
}

int steps_read(const char *file, struct step **s, unsigned *n, unsigned *procs)
{
	FILE *f = fopen(file, "r");
	struct step x;
	char name[40];

	if (!f)
		err(1, "%s", file);
	*s = NULL;
	*n = 0;
	*procs = 2;
	while (fscanf(f, "%u %39s %u %u %u %u %u %u", &x.proc, name, &x.a[0],
		      &x.a[1], &x.a[2], &x.a[3], &x.a[4], &x.a[5]) == 8) {
		x.call = call_named(name);
		if (x.proc >= PROCS_MAX ||
		    (x.call == CALL_fork && x.a[0] >= PROCS_MAX))
			errx(1, "%s: at most %u processes", file, PROCS_MAX);
		if (x.proc >= *procs)
			*procs = x.proc + 1;
		if (x.call == CALL_fork && x.a[0] >= *procs)
			*procs = x.a[0] + 1;
		*s = realloc(*s, (*n + 1) * sizeof(x));
		(*s)[(*n)++] = x;
	}
	fclose(f);
	return 0;
}

/* Take out ever smaller pieces, as long as what is left still differs. */
unsigned steps_shrink(struct step *s, unsigned n, unsigned procs)
{
	struct step *t = malloc(n * sizeof(*t));

	for (unsigned piece = n / 2 ? n / 2 : 1; piece; piece /= 2) {
		for (unsigned at = 0; at < n;) {
			unsigned cut = at + piece > n ? n - at : piece;
			int bad;

			memcpy(t, s, at * sizeof(*t));
			memcpy(t + at, s + at + cut,
			       (n - at - cut) * sizeof(*t));
			bad = n > cut ? steps_run(t, n - cut, procs, false)
				      : -1;
			if (bad < 0) {
				at += piece;
				continue;
			}
			n = (unsigned)bad + 1; /* nothing behind it is needed */
			memcpy(s, t, n * sizeof(*t));
		}
	}
	free(t);
	return n;
}
