/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * faulty WORKLOAD DIR FILE SECS LIMIT_MS HELD_MS BEGIN END: workers do the
 * workload in DIR, the command BEGIN makes something fail, SECS seconds later
 * END makes it good again, and then the same processes must work as before.  No
 * call may take longer than LIMIT_MS, and some must have met the fault: failed,
 * or taken HELD_MS.  Prints a line of figures.
 */
#include "faulty.h"

#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CALLS_EACH 10	/* before the fault, and after it */
#define READY_SECS 60	/* for them */
#define TROUBLE_SECS 90 /* for all that is not the fault */

static const struct {
	const char *name;
	void (*work)(struct me *me);
	void (*look)(struct me *me);
} workloads[] = {
#define WORKLOAD(name) { #name, do_##name, look_##name },
#include "tests/cluster/faulty.def"
#undef WORKLOAD
};

static size_t find(const char *name)
{
	for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++)
		if (!strcmp(workloads[i].name, name))
			return i;
	errx(2, "no workload is called %s", name);
}

void call_begin(struct me *me)
{
	me->began = crew_now();
}

/* Errors that do not tell whether it has happened. */
static bool is_a_faults(int e)
{
	return e == EIO || e == ETIMEDOUT || e == ENOTCONN || e == ECONNRESET ||
	       e == EPIPE || e == ECONNREFUSED;
}

/* Was it under way while something was wrong, and had to do with that? */
static bool has_met(const struct me *me, uint64_t now, bool failed)
{
	const struct shared *s = me->s;

	return s->from && now > s->from && (!s->over || me->began < s->over) &&
	       (failed || now - me->began >= s->held);
}

ssize_t call_end(struct me *me, ssize_t r, const char *what)
{
	uint64_t now = crew_now(), took = now - me->began;
	int e = errno;

	if (took > me->w->longest)
		me->w->longest = took;
	me->w->met += has_met(me, now, r < 0);
	if (r < 0 && !is_a_faults(e))
		crew_fail(me->crew, "worker %u: %s: %s", me->number, what,
			  strerror(e));
	if (r < 0) {
		me->w->failed++;
		usleep(5000);
		errno = e;
		return r;
	}
	me->w->done++;
	if (me->s->phase == PHASE_AFTER && me->began >= me->s->over) {
		if (!me->w->after++)
			me->w->first_after = now;
	}
	return r;
}

bool go_on(const struct me *me)
{
	if (me->crew->failed)
		exit(3);
	return me->s->phase != PHASE_END;
}

const char *path_of(const struct me *me, const char *name, uint32_t n)
{
	static char buf[4][400];
	static int next;
	char *p = buf[next++ % 4];

	snprintf(p, sizeof(buf[0]), "%s/%s%u", me->crew->dir, name, n);
	return p;
}

int open_at_last(struct me *me, const char *path, int flags)
{
	ssize_t fd;

	do
		fd = TRY(me, open(path, flags, 0666));
	while (fd < 0 && !me->crew->failed);
	return (int)fd;
}

static uint64_t word_of(uint32_t rank, uint32_t rec, uint32_t gen)
{
	return (uint64_t)(rank + 1) << 56 | (uint64_t)rec << 40 | gen;
}

void fill_record(void *buf, size_t n, uint32_t rank, uint32_t rec, uint32_t gen)
{
	uint64_t *w = buf, word = word_of(rank, rec, gen);

	for (size_t i = 0; i < n / sizeof(*w); i++)
		w[i] = word;
}

void check_record(const struct me *me, const void *buf, size_t n, uint32_t rank,
		  uint32_t rec, uint32_t from, uint32_t to)
{
	const uint64_t *w = buf;

	for (size_t i = 0; i < n / sizeof(*w); i++) {
		if (w[i] >= word_of(rank, rec, from ? from : 1) &&
		    w[i] <= word_of(rank, rec, to))
			continue;
		if (!w[i] && !from)
			continue;
		crew_fail(me->crew,
			  "record %u.%u, word %zu: %#lx, not of generation %u "
			  "to %u",
			  rank, rec, i, w[i], from, to);
	}
}

static int client_main(char **argv)
{
	struct crew *c = crew_open(argv[3]);
	struct shared *s = (struct shared *)c->area;
	struct me me = { .crew = c, .s = s, .number = (uint32_t)atoi(argv[2]) };
	size_t which = find(argv[4]);

	me.w = &s->w[me.number];
	me.random = c->seed * 1000003 + me.number * 7919 + 1;
	for (int i = 0; i < 9; i++)
		crew_random(&me.random);
	workloads[which].work(&me);
	crew_meet(c);
	/* From another node than most was made on. */
	if (me.number + 1 == c->clients)
		workloads[which].look(&me);
	crew_meet(c);
	return 0;
}

struct trouble {
	struct crew *c;
	const char *begin, *end;
	uint32_t secs;
};

/* Every worker has had so many calls, since then. */
static void wait_for_calls(struct crew *c, bool after)
{
	struct shared *s = (struct shared *)c->area;
	uint64_t end = crew_now() + READY_SECS * 1000000000ull;

	for (uint32_t i = 0; i < c->clients && !c->failed;) {
		const struct worker *w = &s->w[i];

		if ((after ? w->after : w->done) >= CALLS_EACH) {
			i++;
			continue;
		}
		if (crew_now() > end)
			crew_fail(c, "worker %u has had %lu calls %s the fault",
				  i, after ? w->after : w->done,
				  after ? "after" : "before");
		usleep(10000);
	}
}

static void run(struct crew *c, const char *command)
{
	if (system(command))
		crew_fail(c, "%s has failed", command);
}

static void *make_trouble(void *arg)
{
	struct trouble *t = arg;
	struct shared *s = (struct shared *)t->c->area;

	wait_for_calls(t->c, false);
	s->phase = PHASE_FAULT;
	run(t->c, t->begin);
	s->from = crew_now();
	for (uint32_t i = 0; i < t->secs * 100 && !t->c->failed; i++)
		usleep(10000);
	run(t->c, t->end);
	s->over = crew_now();
	s->phase = PHASE_AFTER;
	wait_for_calls(t->c, true);
	s->phase = PHASE_END;
	return NULL;
}

/* Did each call end in time? */
static bool tell(const struct crew *c, const char *name, uint64_t limit)
{
	const struct shared *s = (const struct shared *)c->area;
	uint64_t done = 0, failed = 0, met = 0, longest = 0, back = 0;

	for (uint32_t i = 0; i < c->clients; i++) {
		const struct worker *w = &s->w[i];

		done += w->done;
		failed += w->failed;
		met += w->met;
		longest = w->longest > longest ? w->longest : longest;
		if (w->first_after > s->over && w->first_after - s->over > back)
			back = w->first_after - s->over;
	}
	printf("%-8s %7lu calls %5lu met it, %5lu failed, longest %6.2f s, "
	       "back in %5.2f s",
	       name, done, met, failed, (double)longest / 1e9,
	       (double)back / 1e9);
	if (s->twice)
		printf(", %lu twice", s->twice);
	if (s->restarted)
		printf(", %lu ended by an error", s->restarted);
	printf("\n");
	if (longest > limit * 1000000)
		fprintf(stderr, "a call took %.2f s\n", (double)longest / 1e9);
	if (!met)
		fprintf(stderr, "the fault has met no call\n");
	return met && longest <= limit * 1000000;
}

int main(int argc, char **argv)
{
	struct trouble t;
	struct crew *c;
	pthread_t thread;
	int bad;

	if (argc > 4 && !strcmp(argv[1], "--client"))
		return client_main(argv);
	if (argc < 9)
		errx(64, "faulty WORKLOAD DIR FILE SECS LIMIT_MS HELD_MS BEGIN "
			 "END");
	find(argv[1]);
	c = crew_make(argv[3], argv[2], WORKERS, sizeof(struct shared));
	c->seed = getenv("SEED") ? (uint64_t)atol(getenv("SEED")) : 1;
	t = (struct trouble){ .c = c,
			      .secs = (uint32_t)atoi(argv[4]),
			      .begin = argv[7],
			      .end = argv[8] };
	((struct shared *)c->area)->held =
		strtoull(argv[6], NULL, 10) * 1000000;
	c->secs = t.secs + 2 * READY_SECS + TROUBLE_SECS;
	if (pthread_create(&thread, NULL, make_trouble, &t))
		errx(2, "no thread");
	bad = crew_run(c, argv[3], (char *[]){ argv[1], NULL });
	pthread_join(thread, NULL);
	return !tell(c, argv[1], strtoull(argv[5], NULL, 10)) || bad ||
	       c->failed;
}
