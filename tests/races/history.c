/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * history PROFILE DIR FILE [ROUNDS [CLIENTS [SEED [KIND]]]]: several processes
 * make random calls at once in DIR; afterwards an order is looked for that
 * explains all results.  FILE is where they write them down.  The kind "long"
 * has long names, which differ in the last byte; "kernel" says that DIR is a
 * kernel's.  With BENCHFS_HISTORY_AT bytes of files begin there, so that they
 * lie on both sides of a border; with BENCHFS_HISTORY_END the round in which
 * that file is found is the last.
 */
#include "client.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUND_CALLS 16 /* of a process */

static struct log *log_of(struct crew *c, uint32_t round, uint32_t client)
{
	return (struct log *)c->area + round * c->clients + client;
}

static void make_dir(struct client *c, const char *path)
{
	bool again = false;
	uint64_t start = crew_now();

	while (mkdir(path, 0777)) {
		client_took(c, start);
		start = crew_now();
		if (again && errno == EEXIST)
			return;
		again = client_lost(c);
		if (!again)
			crew_fail(c->crew, "mkdir %s: %m", path);
	}
	client_took(c, start);
}

static void make_dirs(struct client *c)
{
	char buf[800];

	make_dir(c, c->base);
	for (uint8_t i = 0; i < NAMES; i++) {
		struct path p = { .n = 1, .name = { i } };

		if (!(c->p->dirs & 1 << i))
			continue;
		client_path(c, &p, buf, sizeof(buf));
		make_dir(c, buf);
	}
}

static bool remove_all(struct client *c, const char *path);

/* What is in it; false if that was not to be known. */
static bool remove_below(struct client *c, const char *path)
{
	char buf[4096];
	DIR *d = opendir(path);
	struct dirent *e;
	bool done = d;

	while (done && (errno = 0, e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(buf, sizeof(buf), "%s/%s", path, e->d_name);
		if (!unlink(buf))
			continue;
		if (errno == EISDIR)
			done = remove_all(c, buf);
		else
			break;
	}
	done = done && !errno;
	if (d) {
		int why = errno;

		closedir(d);
		errno = why;
	}
	return done;
}

static bool remove_all(struct client *c, const char *path)
{
	if (!remove_below(c, path))
		return false;
	if (!rmdir(path))
		return true;
	if (errno == ENOTEMPTY)
		crew_fail(c->crew, "rmdir %s, which was emptied: %m", path);
	return false;
}

static void remove_tree(struct client *c)
{
	bool again = false;

	while (!remove_all(c, c->base)) {
		if (again && errno == ENOENT && access(c->base, F_OK) &&
		    errno == ENOENT)
			return;
		if (!client_lost(c) && !(again && errno == ENOENT))
			crew_fail(c->crew, "%s is not removed: %m", c->base);
		again = true;
	}
}

static void close_all(struct client *c)
{
	for (uint8_t i = 0; i < FDS; i++) {
		struct op op = { .call = CALL_close, .fd = i };

		if (c->fd[i] >= 0)
			client_do(c, &op);
	}
}

static void one_round(struct client *c, uint32_t round)
{
	struct crew *crew = c->crew;

	snprintf(c->base, sizeof(c->base), "%s/r%u", crew->dir, round);
	c->log = log_of(crew, round, c->number);
	c->random = crew->seed * 1000003 + round * 257 + c->number + 1;
	memset(c->held, 0, sizeof(c->held));
	c->appended = 0;
	for (int i = 0; i < 9; i++)
		crew_random(&c->random);
	if (!c->number)
		make_dirs(c);
	crew_race(crew);
	for (int i = 0; i < ROUND_CALLS; i++) {
		struct op op;

		while (!client_choose(c, &op))
			;
		client_do(c, &op);
	}
	close_all(c);
	crew_meet(crew);
	if (!c->number || c->number + 1 == crew->clients)
		client_look(c);
	crew_meet(crew);
	if (!c->number)
		remove_tree(c);
	if (!c->number && c->end && !access(c->end, F_OK))
		crew->rounds = round + 1;
}

static int client_main(char **argv)
{
	struct client c = { .number = (uint32_t)atoi(argv[2]) };

	c.crew = crew_open(argv[3]);
	c.p = profile_find(argv[4]);
	c.long_names = !strcmp(argv[5], "long");
	c.end = getenv("BENCHFS_HISTORY_END");
	if (getenv("BENCHFS_HISTORY_AT"))
		c.at = strtoll(getenv("BENCHFS_HISTORY_AT"), NULL, 0);
	for (int i = 0; i < FDS; i++)
		c.fd[i] = -1;
	for (uint32_t r = 0; r < c.crew->rounds; r++) {
		one_round(&c, r);
		/* the first of us may say that it was the last */
		crew_meet(c.crew);
	}
	return 0;
}

static void collect(struct crew *c, uint32_t round, struct hist *h)
{
	h->n = 0;
	for (uint32_t i = 0; i < c->clients; i++) {
		struct log *log = log_of(c, round, i);

		if (h->n + (int)log->n > OPS)
			errx(2, "more than %d calls in a round", OPS);
		memcpy(h->op + h->n, log->op, log->n * sizeof(log->op[0]));
		h->n += (int)log->n;
	}
}

static struct {
	uint64_t call[CALLS], calls, unknown, overlaps, too_long;
} sum;

static void count(struct hist *h)
{
	hist_prepare(h);
	for (int i = 0; i < h->n; i++) {
		sum.calls++;
		sum.call[h->op[i].call]++;
		sum.unknown += h->op[i].end == NEVER;
		sum.overlaps += i && h->op[i].proc != h->op[i - 1].proc &&
				h->op[i].start <= h->op[i - 1].end;
	}
}

static void print_sum(const struct crew *c, uint32_t rounds)
{
	printf("%u rounds, %lu calls, %lu unknown, %lu beside another, "
	       "%lu steps, %lu too long; longest %.2f s\n",
	       rounds, sum.calls, sum.unknown, sum.overlaps, hist_steps,
	       sum.too_long, (double)c->count[0] / 1e9);
	for (int i = 0; i < CALLS; i++)
		if (sum.call[i])
			printf("%s %lu  ", call_name[i], sum.call[i]);
	printf("\n");
}

static int check_all(struct crew *c, const struct profile *p, const char *kind)
{
	struct hist *h = calloc(1, sizeof(*h)), *wrong = calloc(1, sizeof(*h));

	for (uint32_t r = 0; r < c->rounds; r++) {
		enum verdict v;

		h->dirs = p->dirs;
		h->lax = strcmp(kind, "kernel") == 0;
		collect(c, r, h);
		count(h);
		v = hist_check(h, wrong);
		sum.too_long += v == TOO_LONG;
		if (v != WRONG)
			continue;
		printf("round %u: no order explains this:\n", r);
		hist_shrink(wrong);
		hist_print(wrong, stdout);
		printf("all of the round:\n");
		hist_print(h, stdout);
		return 1;
	}
	print_sum(c, c->rounds);
	/* A checker that gives up, or calls one after the other, show
	 * nothing. */
	return sum.too_long * 50 > c->rounds || sum.overlaps * 50 < sum.calls;
}

int main(int argc, char **argv)
{
	uint32_t rounds = argc > 4 ? (uint32_t)atoi(argv[4]) : 100;
	uint32_t clients = argc > 5 ? (uint32_t)atoi(argv[5]) : 5;
	char *kind = argc > 7 ? argv[7] : (char *)"short";
	const struct profile *p;
	struct crew *c;

	if (argc > 4 && !strcmp(argv[1], "--client"))
		return client_main(argv);
	if (argc < 4 || clients > PROCS)
		errx(2, "history PROFILE DIR FILE [ROUNDS [CLIENTS [SEED "
			"[KIND]]]]");
	p = profile_find(argv[1]);
	c = crew_make(argv[3], argv[2], clients,
		      (size_t)rounds * clients * sizeof(struct log));
	c->rounds = rounds;
	c->seed = argc > 6 ? (uint64_t)atol(argv[6]) : 1;
	if (crew_run(c, argv[3], (char *[]){ argv[1], kind, NULL }))
		return 1;
	return check_all(c, p, kind);
}
