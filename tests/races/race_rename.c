/* SPDX-License-Identifier: BSD-3-Clause */
/* S4: renames against each other, and against those who read. */
#include "race.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ino_t number_of(struct racer *r, const char *path)
{
	struct stat st;

	must(r, !lstat(path, &st));
	return st.st_ino;
}

/* Two files in two directories; the even clients move one way. */
static void start_pair(struct racer *r, const char *a, const char *b,
		       ino_t *ino)
{
	if (!r->number) {
		mkdir(in(r, "x"), 0777);
		mkdir(in(r, "y"), 0777);
		put_file(r, a, 'a', 500);
		put_file(r, b, 'b', 500);
	}
	crew_meet(r->crew);
	ino[0] = number_of(r, a);
	ino[1] = number_of(r, b);
	must(r, ino[0] != ino[1]);
	crew_race(r->crew);
}

/* rename a b against rename b a: one file is left, whole, with one name. */
void race_swap(struct racer *r)
{
	for (uint32_t i = 0; i < r->rounds; i++) {
		const char *a = in(r, "x/a%u", i), *b = in(r, "y/b%u", i);
		struct stat sa, sb;
		int gone_a, gone_b;
		ino_t ino[2];

		start_pair(r, a, b, ino);
		for (int k = 0; k < 10; k++) {
			bool back = r->number & 1;
			int bad;

			if (r->fault)
				unlink(back ? a : b);
			bad = back ? rename(b, a) : rename(a, b);

			if (bad)
				must(r, errno == ENOENT);
			else
				COUNT(r, 0)++;
		}
		crew_meet(r->crew);
		gone_a = lstat(a, &sa);
		gone_b = lstat(b, &sb);
		must(r, !gone_a != !gone_b);
		if (gone_a)
			sa = sb;
		must(r, sa.st_nlink == 1 && sa.st_size == 500);
		must(r, sa.st_ino == ino[0] || sa.st_ino == ino[1]);
		crew_meet(r->crew);
		if (!r->number)
			must(r, !unlink(gone_a ? b : a));
	}
}

/* Exchanges: after an odd number of them the files have changed places. */
void race_exchange(struct racer *r)
{
	const char *a = in(r, "x/a"), *b = in(r, "y/b");
	ino_t ino[2];

	start_pair(r, a, b, ino);
	for (uint32_t i = 0; i < r->rounds; i++) {
		bool odd;

		crew_race(r->crew);
		for (uint32_t k = 0; k <= below(r, 10); k++) {
			must(r, !renameat2(AT_FDCWD, r->number & 1 ? a : b,
					   AT_FDCWD, r->number & 1 ? b : a,
					   RENAME_EXCHANGE));
			COUNT(r, 0)++;
			/* at every moment both are there */
			must(r, !access(a, F_OK) && !access(b, F_OK));
		}
		crew_meet(r->crew);
		odd = COUNT(r, 0) & 1;
		must(r, number_of(r, a) == ino[odd]);
		must(r, number_of(r, b) == ino[!odd]);
	}
}

/* The writer: file n is 1000 + n bytes, of a letter that n gives. */
static void replace_all(struct racer *r, const char *target)
{
	const char *next = in(r, "next");

	for (uint32_t i = 1; i <= r->rounds; i++) {
		put_file(r, next, (char)('a' + i % 26), 1000 + i % 7000);
		if (r->fault)
			unlink(target);
		must(r, !rename(next, target));
		COUNT(r, 0) = i;
		must_fail(r, access(next, F_OK), ENOENT);
	}
	COUNT(r, 1) = 1;
}

/* A reader has at every moment a whole file: one that was there during the
 * open. */
static void read_one(struct racer *r, const char *target)
{
	uint64_t before = COUNT(r, 0), after, i;
	int fd = open(target, O_RDONLY);
	struct stat st;
	char c;

	must(r, fd >= 0);
	after = COUNT(r, 0) + 1;
	must(r, !fstat(fd, &st) && st.st_nlink <= 1);
	c = get_file(r, fd, (size_t)st.st_size);
	for (i = before; i <= after; i++)
		if (st.st_size == (off_t)(1000 + i % 7000) &&
		    c == (char)('a' + i % 26))
			break;
	must(r, i <= after);
	must(r, !close(fd));
	COUNT(r, 2)++;
}

void race_replace(struct racer *r)
{
	const char *target = in(r, "target");

	if (!r->number)
		put_file(r, target, 'a', 1000);
	crew_race(r->crew);
	if (!r->number)
		replace_all(r, target);
	else
		while (!COUNT(r, 1))
			read_one(r, target);
}
