/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/bench/driver.h"

#include "core/util.h"

#include <string.h>

enum kind {
	SPEED_MIN,
	SLOWER_MAX,
	US_MAX,
	RATE_MIN,
	MORE_MS_MAX,
	OF_WORK_MIN,
	CALL_MAX,
	DATA_MIN,
};

static const struct target {
	enum bfs_suite suite;
	const char *work, *conf;
	enum kind kind;
	double limit;
	const char *other, *text;
} targets[] = {
#define TARGET(suite, work, conf, kind, limit, other, text) \
	{ BFS_SUITE_##suite, #work, #conf, kind, limit, other, text },
#include "tools/bench/targets.def"
};

static const struct bench_figure *find(const struct bench *b,
				       enum bfs_suite suite, const char *work,
				       unsigned conf)
{
	for (unsigned i = 0; i < bfs_works_count; i++)
		if (bfs_works[i].suite == suite &&
		    !strcmp(bfs_works[i].name, work))
			return &b->figure[i][conf];
	return NULL;
}

static unsigned conf_of(const struct bench *b, const char *name)
{
	unsigned i = 0;

	while (i + 1 < BENCH_CONFS && strcmp(b->conf[i].name, name))
		i++;
	return i;
}

static double value_of(const struct bench *b, const struct target *t,
		       unsigned conf, const struct bench_figure *f)
{
	const struct bench_figure *plain =
		find(b, t->suite, t->work, BENCH_PLAIN);
	const struct bench_figure *other = find(b, t->suite, t->other, conf);
	const struct bench_bare *bare = &b->bare[conf];

	switch (t->kind) {
	case SPEED_MIN:
		return f->against;
	case SLOWER_MAX:
		return 1 / f->against;
	case US_MAX:
		return f->median / 1e3;
	case RATE_MIN:
		return 1e9 / f->median;
	case MORE_MS_MAX:
		return (f->median - plain->median) / 1e6;
	case OF_WORK_MIN:
		return other->median / f->median;
	case CALL_MAX:
		return bare->there ? f->median / bare->call_ns : 0;
	case DATA_MIN:
		return bare->there ? 1e9 / f->median / bare->mib_s : 0;
	}
	return 0;
}

static bool at_least(enum kind k)
{
	return k == SPEED_MIN || k == RATE_MIN || k == OF_WORK_MIN ||
	       k == DATA_MIN;
}

static bool idle_verdict(const struct bench *b, unsigned i,
			 struct bench_verdict *v)
{
	const struct bench_idle *d = &b->idle;
	const struct bench_verdict all[] = {
		{ .text = "idle daemon, 100 idle clients: CPU ms a minute",
		  .value = d->cpu_ms_min,
		  .limit = 2 },
		{ .text = "memory of the daemon then, MB",
		  .value = d->rss_mb,
		  .limit = 20 },
		{ .text = "memory for a file, bytes",
		  .value = d->bytes_file,
		  .limit = 300 },
	};

	if (i >= BFS_COUNT(all))
		return false;
	*v = all[i];
	v->work = "idle";
	v->conf = "local";
	v->there = d->there;
	v->met = v->value <= v->limit;
	return true;
}

bool bench_verdict(const struct bench *b, unsigned i, struct bench_verdict *v)
{
	const struct bench_figure *f;
	const struct target *t;
	unsigned conf;

	if (i >= BFS_COUNT(targets))
		return idle_verdict(b, i - BFS_COUNT(targets), v);
	t = &targets[i];
	conf = conf_of(b, t->conf);
	f = find(b, t->suite, t->work, conf);
	*v = (struct bench_verdict){ .work = t->work,
				     .conf = t->conf,
				     .text = t->text,
				     .limit = t->limit,
				     .least = at_least(t->kind) };
	if (!f || !f->there || f->error || !f->rounds)
		return true;
	if (t->kind == CALL_MAX || t->kind == DATA_MIN)
		v->there = b->bare[conf].there;
	else
		v->there = true;
	if (v->there)
		v->value = value_of(b, t, conf, f);
	v->met = v->there &&
		 (v->least ? v->value >= v->limit : v->value <= v->limit);
	return true;
}
