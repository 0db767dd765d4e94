/* SPDX-License-Identifier: BSD-3-Clause */
/* Records that are written and read: in one shared file, and file by file. */
#include "faulty.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAUSE_US 10000

static off_t place(uint32_t rank, uint32_t rec)
{
	return (off_t)(rec * WORKERS + rank) * RECORD;
}

/* The next generation of a record of mine. */
static void write_record(struct me *me, int fd, char *buf)
{
	uint32_t rec = crew_random(&me->random) % RECORDS;
	uint32_t gen = ++me->w->begun[rec];

	fill_record(buf, RECORD, me->number, rec, gen);
	if (TRY(me, pwrite(fd, buf, RECORD, place(me->number, rec))) == RECORD)
		me->w->sure[rec] = gen;
	usleep(PAUSE_US);
}

static void read_record(struct me *me, int fd, char *buf, uint32_t rank,
			uint32_t rec)
{
	struct worker *w = &me->s->w[rank];
	uint32_t from = w->sure[rec];
	ssize_t n = TRY(me, pread(fd, buf, RECORD, place(rank, rec)));

	if (n < 0)
		return;
	check_record(me, buf, (size_t)n, rank, rec, from, w->begun[rec]);
	if (n < RECORD && from)
		crew_fail(me->crew, "record %u.%u has %zd bytes", rank, rec, n);
}

void do_strided(struct me *me)
{
	int fd = open_at_last(me, path_of(me, "strided", 0), O_RDWR | O_CREAT);
	char *buf = malloc(RECORD);

	while (go_on(me))
		write_record(me, fd, buf);
	free(buf);
	close(fd);
}

void look_strided(struct me *me)
{
	int fd = open_at_last(me, path_of(me, "strided", 0), O_RDONLY);
	char *buf = malloc(RECORD);

	for (uint32_t i = 0; i < WORKERS * RECORDS; i++)
		read_record(me, fd, buf, i % WORKERS, i / WORKERS);
	free(buf);
	close(fd);
}

/* Every other worker only reads. */
void do_readers(struct me *me)
{
	int fd = open_at_last(me, path_of(me, "strided", 0), O_RDWR | O_CREAT);
	char *buf = malloc(RECORD);

	while (go_on(me)) {
		uint32_t n = crew_random(&me->random);

		if (me->number % 2)
			read_record(me, fd, buf, n % WORKERS & ~1u,
				    n / WORKERS % RECORDS);
		else
			write_record(me, fd, buf);
	}
	free(buf);
	close(fd);
}

void look_readers(struct me *me)
{
	look_strided(me);
}

#define WHOLE (100000 / 8 * 8) /* bytes of a file that is replaced */

/* As a checkpoint is written: a new file, on disk, over the old one. */
static void replace_mine(struct me *me, char *buf)
{
	const char *temp = path_of(me, "temp", me->number);
	uint32_t gen = ++me->w->begun[0];
	ssize_t fd = TRY(me, open(temp, O_WRONLY | O_CREAT | O_TRUNC, 0666));
	bool good;

	if (fd < 0)
		return;
	fill_record(buf, WHOLE, me->number, 0, gen);
	good = TRY(me, pwrite((int)fd, buf, WHOLE, 0)) == WHOLE &&
	       !TRY(me, fsync((int)fd));
	close((int)fd);
	if (good && !TRY(me, rename(temp, path_of(me, "whole", me->number))))
		me->w->sure[0] = gen;
	/* If it is not known whether it was moved, another must not be
	 * written over it. */
	else if (good)
		while (TRY(me, unlink(temp) && errno != ENOENT ? -1 : 0) < 0 &&
		       !me->crew->failed)
			;
}

/* A whole file of one generation. */
static bool read_whole(struct me *me, uint32_t rank, char *buf)
{
	struct worker *w = &me->s->w[rank];
	uint32_t from = w->sure[0];
	ssize_t fd, n;
	uint32_t gen;

	if (!from)
		return true;
	fd = TRY(me, open(path_of(me, "whole", rank), O_RDONLY));
	if (fd < 0)
		return false;
	n = TRY(me, pread((int)fd, buf, WHOLE + 1, 0));
	close((int)fd);
	if (n < 0)
		return false;
	if (n != WHOLE)
		crew_fail(me->crew, "file of %u has %zd bytes", rank, n);
	memcpy(&gen, buf, sizeof(gen));
	if (gen < from || gen > w->begun[0])
		crew_fail(me->crew,
			  "file of %u is of generation %u, not %u to "
			  "%u",
			  rank, gen, from, w->begun[0]);
	check_record(me, buf, WHOLE, rank, 0, gen, gen);
	return true;
}

void do_replace(struct me *me)
{
	char *buf = malloc(WHOLE + 8);

	while (go_on(me)) {
		replace_mine(me, buf);
		read_whole(me, crew_random(&me->random) % WORKERS, buf);
		usleep(PAUSE_US);
	}
	free(buf);
}

void look_replace(struct me *me)
{
	char *buf = malloc(WHOLE + 8);

	for (uint32_t i = 0; i < WORKERS; i++)
		while (!read_whole(me, i, buf))
			;
	free(buf);
}
