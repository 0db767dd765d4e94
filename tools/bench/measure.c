/* SPDX-License-Identifier: BSD-3-Clause */
/* Rounds: each work in all configurations by turns, A B C A B C. */
#include "tools/bench/driver.h"

#include "core/util.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Asking for the counters is counted too: HELLO and STATS, by the local
 * transport.  A program that begins may ask for its arena there. */
#define OWN_CALLS 2
#define FEW_CALLS 8

void bench_progress(struct bench *b, const char *fmt, ...)
{
	va_list ap;

	if (!b->tty)
		return;
	fputs("\r\033[K", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fflush(stderr);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The value with that share of the others below it. */
static double quantile(const double *v, unsigned n, double share)
{
	double s[BENCH_ROUNDS_MAX];
	double at = share * (n - 1);
	unsigned low = (unsigned)at;

	memcpy(s, v, n * sizeof(*v));
	qsort(s, n, sizeof(*s), by_value);
	if (low + 1 >= n)
		return s[n - 1];
	return s[low] + (at - low) * (s[low + 1] - s[low]);
}

double bench_median(const double *v, unsigned n)
{
	return n ? quantile(v, n, 0.5) : 0;
}

static bool takes_part(const struct bfs_work *w, unsigned conf)
{
	switch (conf) {
	case BENCH_PLAIN:
		return true;
	case BENCH_LOCAL:
		return !(w->flags & BFS_WORK_NET);
	case BENCH_TWO:
		return w->flags & BFS_WORK_TWO;
	default:
		return !(w->flags & BFS_WORK_HUGE);
	}
}

/* Programs are started by the worker that has no BenchFS. */
static struct bench_conf *worker_of(struct bench *b, const struct bfs_work *w,
				    unsigned conf)
{
	return &b->conf[w->flags & BFS_WORK_OUTSIDE ? BENCH_PLAIN : conf];
}

/* Which of that worker's places is it? */
static unsigned place_of(const struct bfs_work *w, unsigned conf)
{
	return w->flags & BFS_WORK_OUTSIDE ? conf : 0;
}

static int setup(struct bench *b, unsigned work, unsigned conf)
{
	const struct bfs_work *w = &bfs_works[work];
	struct bench_figure *f = &b->figure[work][conf];
	int status = 0;

	if (w->flags & BFS_WORK_OUTSIDE)
		status = bench_give_env(b, &b->conf[conf]);
	if (status)
		return status;
	return bench_ask(b, worker_of(b, w, conf), &f->error, NULL, NULL,
			 "setup %u %u", work, place_of(w, conf));
}

static int clean(struct bench *b, unsigned work, unsigned conf)
{
	const struct bfs_work *w = &bfs_works[work];
	struct bench_figure *f = &b->figure[work][conf];
	int error = 0, status;

	status = bench_ask(b, worker_of(b, w, conf), &error, NULL, NULL,
			   "clean %u", place_of(w, conf));
	if (error && !f->error)
		f->error = error;
	return status;
}

/* One round; number 0 warms up. */
static int one(struct bench *b, unsigned work, unsigned conf, unsigned round)
{
	const struct bfs_work *w = &bfs_works[work];
	struct bench_figure *f = &b->figure[work][conf];
	uint64_t ops = 0, ns = 0;
	int status;

	status = bench_ask(
		b, worker_of(b, w, conf), &f->error, &ops, &ns, "round %u %llu",
		place_of(w, conf),
		(unsigned long long)(round ? b->budget : b->budget / 4));
	f->ops += ops;
	if (status || f->error || !ops || !round)
		return status;
	f->ns[round - 1] = (double)ns / (double)ops;
	f->ratio[round - 1] =
		b->figure[work][BENCH_PLAIN].ns[round - 1] / f->ns[round - 1];
	f->rounds = round;
	return 0;
}

static void sum_up(struct bench_figure *f)
{
	f->median = bench_median(f->ns, f->rounds);
	f->best = f->rounds ? quantile(f->ns, f->rounds, 0) : 0;
	f->against = bench_median(f->ratio, f->rounds);
	f->spread = f->rounds ? 100 *
					(quantile(f->ns, f->rounds, 0.75) -
					 quantile(f->ns, f->rounds, 0.25)) /
					f->median
			      : 0;
}

static void subtract(struct bench_counts *a, const struct bench_counts *was)
{
	a->local -= was->local;
	a->ucx -= was->ucx;
	a->pass -= was->pass;
	a->daemon -= was->daemon;
	a->read -= was->read;
	a->written -= was->written;
}

/* Who served it, by what the daemon has counted. */
static const char *path_of(const struct bench_conf *c, const struct bfs_work *w,
			   const struct bench_figure *f)
{
	const struct bench_counts *n = &f->counts;
	uint64_t asked = c->tls ? n->ucx : n->local;
	bool by_daemon = w->bytes
				 ? n->read + n->written >= f->ops * w->bytes / 2
				 : asked >= f->ops / 2;

	if (!c->daemons)
		return "kernel";
	if (w->flags & BFS_WORK_SILENT)
		return "library";
	if (by_daemon)
		return c->tls ? "ucx" : "local";
	return w->bytes && n->pass ? "pass-through" : "client";
}

/*
 * The counters must say that the calls went where the configuration promises.
 * By the local transport we ask for them ourselves, and a program begins.
 */
static int prove(struct bench *b, const struct bfs_work *w, unsigned conf,
		 struct bench_figure *f)
{
	const struct bench_conf *c = &b->conf[conf];
	const struct bench_counts *n = &f->counts;
	bool ucx = c->tls != NULL;
	uint64_t right = ucx ? n->ucx : n->local;
	uint64_t wrong = ucx ? n->local : n->ucx;
	uint64_t may = w->flags & BFS_WORK_OUTSIDE ? right : FEW_CALLS;

	f->path = path_of(c, w, f);
	if (!c->daemons || w->flags & BFS_WORK_SILENT)
		return 0;
	if (right <= (ucx ? 0 : OWN_CALLS))
		return bfs_fail(EX_SOFTWARE,
				"%s in %s: the daemon counted no call, so this "
				"did not measure BenchFS",
				w->name, c->name);
	/* several daemons talk to each other by UCX */
	if (c->daemons > 1 || wrong <= (ucx ? may : 0))
		return 0;
	return bfs_fail(EX_SOFTWARE,
			"%s in %s: the daemon counted %llu calls by the wrong "
			"transport",
			w->name, c->name, (unsigned long long)wrong);
}

static int prove_segments(struct bench *b, const struct bfs_work *w,
			  unsigned conf, struct bench_figure *f)
{
	int error;
	int status = w->flags & BFS_WORK_OUTSIDE || w->processes > 1
			     ? 0
			     : bench_ask(b, &b->conf[conf], &error,
					 &f->segments, NULL, "segments");

	if (status || w->flags & BFS_WORK_OUTSIDE || w->processes > 1)
		return status;
	if ((conf == BENCH_SHM) == (f->segments > 0))
		return 0;
	return bfs_fail(EX_SOFTWARE,
			"%s in %s: %llu shared memory segments of UCX", w->name,
			b->conf[conf].name, (unsigned long long)f->segments);
}

/* f(work, configuration) for all that take part and have no error. */
static int each(struct bench *b, unsigned work,
		int (*f)(struct bench *, unsigned, unsigned))
{
	int status = 0;

	for (unsigned c = 0; !status && c < BENCH_CONFS; c++)
		if (b->figure[work][c].there && !b->figure[work][c].error)
			status = f(b, work, c);
	return status;
}

static int note_counts(struct bench *b, unsigned work, unsigned conf)
{
	if (!b->conf[conf].daemons)
		return 0;
	return bench_counts(b, &b->conf[conf], &b->figure[work][conf].counts);
}

static int finish(struct bench *b, unsigned work, unsigned conf)
{
	const struct bfs_work *w = &bfs_works[work];
	struct bench_figure *f = &b->figure[work][conf];
	struct bench_counts was = f->counts;
	int status = 0;

	if (b->conf[conf].daemons)
		status = bench_counts(b, &b->conf[conf], &f->counts);
	subtract(&f->counts, &was);
	sum_up(f);
	if (!status)
		status = prove(b, w, conf, f);
	return status ? status : prove_segments(b, w, conf, f);
}

static int rounds(struct bench *b, unsigned work)
{
	int status = each(b, work, setup);

	for (unsigned r = 0; !status && r <= b->rounds; r++)
		for (unsigned c = 0; !status && c < BENCH_CONFS; c++)
			if (b->figure[work][c].there &&
			    !b->figure[work][c].error)
				status = one(b, work, c, r);
	return status;
}

/* A work that failed has to be cleaned up too. */
static int clean_all(struct bench *b, unsigned work)
{
	int status = 0;

	for (unsigned c = 0; !status && c < BENCH_CONFS; c++)
		if (b->figure[work][c].there)
			status = clean(b, work, c);
	return status;
}

static int measure(struct bench *b, unsigned work)
{
	const struct bfs_work *w = &bfs_works[work];
	int status;

	for (unsigned c = 0; c < BENCH_CONFS; c++)
		b->figure[work][c].there = takes_part(w, c);
	status = each(b, work, note_counts);
	if (!status)
		status = rounds(b, work);
	if (!status)
		status = each(b, work, finish);
	return status ? status : clean_all(b, work);
}

int bench_measure(struct bench *b)
{
	unsigned n = 0, at = 0;
	int status = 0;

	for (unsigned i = 0; i < bfs_works_count; i++)
		n += b->suite[bfs_works[i].suite];
	for (unsigned i = 0; !status && i < bfs_works_count; i++) {
		const struct bfs_work *w = &bfs_works[i];

		if (!b->suite[w->suite])
			continue;
		bench_progress(b, "%u/%u %s %s: %s", ++at, n,
			       bfs_suite_name[w->suite], w->name, w->what);
		status = measure(b, i);
	}
	bench_progress(b, "%s", "");
	return status;
}
