/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * race NAME DIR FILE ROUNDS CLIENTS SEED: "0" is the default.  With
 * BENCHFS_RACE_FAULT in the environment the clients break a rule, to see that
 * it is noticed.
 */
#include "race.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name;
	uint32_t rounds, clients;
	void (*run)(struct racer *r);
} races[] = {
#define RACE(name, rounds, clients) { #name, rounds, clients, race_##name },
#include "race.def"
#undef RACE
};

const char *in(const struct racer *r, const char *format, ...)
{
	static char buf[8][600];
	static int next;
	char *p = buf[next++ % 8];
	int n = snprintf(p, sizeof(buf[0]), "%s/", r->crew->dir);
	va_list list;

	va_start(list, format);
	vsnprintf(p + n, sizeof(buf[0]) - (size_t)n, format, list);
	va_end(list);
	return p;
}

uint32_t below(struct racer *r, uint32_t n)
{
	return crew_random(&r->random) % n;
}

void put_file(struct racer *r, const char *path, char c, size_t n)
{
	char buf[8192];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);

	must(r, fd >= 0 && n <= sizeof(buf));
	memset(buf, c, n);
	must(r, write(fd, buf, n) == (ssize_t)n);
	must(r, !close(fd));
}

char get_file(struct racer *r, int fd, size_t n)
{
	char buf[8193];
	ssize_t got = pread(fd, buf, sizeof(buf), 0);

	if (got != (ssize_t)n)
		crew_fail(r->crew, "%zd bytes of a file that has %zu", got, n);
	for (size_t i = 1; i < n; i++)
		if (buf[i] != buf[0])
			crew_fail(r->crew, "bytes of two files in one: %c, %c",
				  buf[0], buf[i]);
	return buf[0];
}

static size_t find(const char *name)
{
	size_t i = 0;

	while (i < sizeof(races) / sizeof(races[0]) &&
	       strcmp(races[i].name, name))
		i++;
	if (i == sizeof(races) / sizeof(races[0]))
		errx(2, "no race is called %s", name);
	return i;
}

static int client_main(char **argv)
{
	struct crew *c = crew_open(argv[3]);
	struct racer r = { .crew = c,
			   .number = (uint32_t)atoi(argv[2]),
			   .clients = c->clients,
			   .rounds = c->rounds,
			   .fault = getenv("BENCHFS_RACE_FAULT") };

	r.random = c->seed * 1000003 + r.number * 7919 + 1;
	for (int i = 0; i < 9; i++)
		crew_random(&r.random);
	crew_meet(c);
	races[find(argv[4])].run(&r);
	crew_meet(c);
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t rounds, clients;
	struct crew *c;
	size_t which;
	int bad;

	if (argc > 4 && !strcmp(argv[1], "--client"))
		return client_main(argv);
	if (argc < 7)
		errx(2, "race NAME DIR FILE ROUNDS CLIENTS SEED");
	which = find(argv[1]);
	rounds = (uint32_t)atoi(argv[4]);
	clients = (uint32_t)atoi(argv[5]);
	c = crew_make(argv[3], argv[2],
		      clients ? clients : races[which].clients, 1 << 16);
	c->rounds = rounds ? rounds : races[which].rounds;
	c->secs = 60 + c->rounds / 5;
	c->seed = (uint64_t)atol(argv[6]);
	bad = crew_run(c, argv[3], (char *[]){ argv[1], NULL });
	printf("%s: %u rounds by %u clients; counted", argv[1], c->rounds,
	       c->clients);
	for (int i = 0; i < 8; i++)
		printf(" %lu", c->count[i]);
	printf("%s\n", bad ? "; FAILED" : "");
	return bad ? 1 : 0;
}
