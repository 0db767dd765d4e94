/* SPDX-License-Identifier: BSD-3-Clause */
/* Link counts, unlinked files, appends and listings. */
#include "race.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* S8: the count is that of the names, whoever makes and removes them. */
void race_links(struct racer *r)
{
	bool mine[10] = { false };
	struct stat st;

	if (!r->number)
		put_file(r, in(r, "f"), 'f', 10);
	for (uint32_t i = 0; i < r->rounds; i++) {
		crew_race(r->crew);
		for (int k = 0; k < 20; k++) {
			uint32_t n = below(r, 10);
			const char *name = in(r, "l%u.%u", r->number, n);

			if (mine[n])
				must(r, !unlink(name));
			else if (!r->fault || k)
				must(r, !link(in(r, "f"), name));
			else
				put_file(r, name, 'x', 1);
			mine[n] = !mine[n];
			COUNT(r, 0) += mine[n] ? 1 : (uint64_t)-1;
			must(r, !stat(in(r, "f"), &st) && st.st_nlink >= 1 &&
					st.st_nlink <= 1 + 10 * r->clients);
		}
		crew_meet(r->crew);
		must(r, !stat(in(r, "f"), &st));
		must(r, st.st_nlink == 1 + COUNT(r, 0));
	}
}

/* S5: a file that another process unlinks lives on for who has it open. */
static void unlinked_round(struct racer *r, const char *name, uint32_t round)
{
	uint32_t who = round % r->clients;
	char c = (char)('a' + r->number), all[64];
	int fd = open(name, O_RDWR), new;
	struct stat st, other;

	must(r, fd >= 0);
	crew_race(r->crew);
	if (r->number == who) {
		if (r->fault)
			must(r, !truncate(name, 0));
		must(r, !unlink(name));
		new = open(name, O_RDWR | O_CREAT | O_EXCL, 0666);
		must(r, new >= 0 && !fstat(new, &other) && !fstat(fd, &st));
		must(r, other.st_ino != st.st_ino && other.st_size == 0);
		must(r, read(new, all, 10) == 0);
		must(r, write(new, "new", 3) == 3 && !close(new));
	}
	must(r, pwrite(fd, &c, 1, 5000 + r->number) == 1);
	crew_meet(r->crew);
	must(r, !fstat(fd, &st) && st.st_nlink == 0);
	must(r, st.st_size == 5000 + r->clients);
	must(r, pread(fd, all, 64, 5000) == (ssize_t)r->clients);
	for (uint32_t i = 0; i < r->clients; i++)
		must(r, all[i] == (char)('a' + i));
	must(r, pread(fd, all, 10, 100) == 10 && all[0] == 'o');
	must(r, !stat(name, &other) && other.st_size == 3);
	must(r, other.st_nlink == 1 && !close(fd));
	crew_meet(r->crew);
	if (r->number == who)
		must(r, !unlink(name));
	must(r, r->number != who || access(name, F_OK));
}

void race_unlinked(struct racer *r)
{
	for (uint32_t i = 0; i < r->rounds; i++) {
		const char *name = in(r, "u%u", i);

		if (!r->number)
			put_file(r, name, 'o', 5000);
		crew_meet(r->crew);
		unlinked_round(r, name, i);
	}
}

#define RECORD_MAX (1 << 20)

/* A record says who, which, how long, and is the same byte then. */
struct record {
	uint32_t magic, client, number, size;
};

static uint32_t record_size(uint32_t client, uint32_t number)
{
	uint32_t n = (client * 2654435761u ^ number * 40503u) >> 3;

	n %= number % 7 ? 200 : number % 3 ? 100000 : RECORD_MAX;
	return n + (uint32_t)sizeof(struct record) > RECORD_MAX
		       ? RECORD_MAX
		       : n + (uint32_t)sizeof(struct record);
}

static void check_records(struct racer *r, int fd)
{
	uint32_t *next = calloc(r->clients, sizeof(*next)), n = 0;
	char *buf = malloc(RECORD_MAX);
	struct record rec;
	off_t at = 0;

	while (pread(fd, &rec, sizeof(rec), at) == sizeof(rec)) {
		must(r, rec.magic == 0xfeedbeef && rec.client < r->clients);
		must(r, rec.number == next[rec.client]++);
		must(r, rec.size == record_size(rec.client, rec.number));
		must(r, pread(fd, buf, rec.size, at) == (ssize_t)rec.size);
		for (uint32_t i = sizeof(rec); i < rec.size; i++)
			if (buf[i] != (char)rec.number)
				crew_fail(r->crew, "record %u.%u is torn at %u",
					  rec.client, rec.number, i);
		at += rec.size;
		n++;
	}
	must(r, lseek(fd, 0, SEEK_END) == at);
	must(r, n == r->rounds * r->clients);
	free(next);
	free(buf);
}

/* S3: appends neither overlap nor tear, up to 1 MiB. */
void race_append(struct racer *r)
{
	char *buf = malloc(RECORD_MAX);
	int fd = open(in(r, "log"),
		      O_RDWR | O_CREAT | (r->fault ? 0 : O_APPEND), 0666);

	must(r, fd >= 0);
	crew_race(r->crew);
	for (uint32_t i = 0; i < r->rounds; i++) {
		struct record rec = { 0xfeedbeef, r->number, i,
				      record_size(r->number, i) };

		memset(buf, (char)i, rec.size);
		memcpy(buf, &rec, sizeof(rec));
		if (r->fault)
			lseek(fd, 0, SEEK_END);
		must(r, write(fd, buf, rec.size) == (ssize_t)rec.size);
		COUNT(r, 0) += rec.size;
	}
	crew_meet(r->crew);
	must(r, lseek(fd, 0, SEEK_END) == (off_t)COUNT(r, 0));
	if (r->number < 2)
		check_records(r, fd);
	must(r, !close(fd));
	free(buf);
}

#define STABLE 150

static void list_once(struct racer *r)
{
	int seen[STABLE] = { 0 }, dots = 0, n;
	DIR *d = opendir(r->crew->dir);
	struct dirent *e;

	must(r, d);
	while ((errno = 0, e = readdir(d))) {
		if (sscanf(e->d_name, "s%d", &n) == 1)
			seen[n]++;
		else if (e->d_name[0] == '.')
			dots++;
		else
			must(r, e->d_name[0] == 'c');
	}
	must(r, !errno && dots == 2);
	closedir(d);
	for (n = 0; n < STABLE; n++)
		if (seen[n] != 1)
			crew_fail(r->crew, "s%d %d times", n, seen[n]);
	COUNT(r, 0)++;
}

static void churn(struct racer *r)
{
	const char *a = in(r, "c%u.%u", r->number, below(r, 400));
	const char *b = in(r, "c%u.%u", r->number, below(r, 400));
	int fd = open(a, O_WRONLY | O_CREAT, 0666);

	must(r, fd >= 0 && !close(fd));
	if (r->fault && !rename(in(r, "s7"), in(r, "c")))
		must(r, !rename(in(r, "c"), in(r, "s7")));
	if (below(r, 2))
		must(r, !rename(a, b));
	else if (below(r, 3))
		must(r, !unlink(a));
	COUNT(r, 2)++;
}

/* S11: what is there throughout comes once, however the rest changes. */
void race_listing(struct racer *r)
{
	for (int i = 0; !r->number && i < STABLE; i++)
		put_file(r, in(r, "s%d", i), 's', 1);
	crew_race(r->crew);
	if (r->number < 2) {
		for (uint32_t i = 0; i < r->rounds; i++)
			list_once(r);
		COUNT(r, 1)++;
	} else {
		while (COUNT(r, 1) < 2)
			churn(r);
	}
}
