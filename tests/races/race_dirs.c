/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories that are removed, moved and walked at the same time. */
#include "race.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_inside(struct racer *r, const char *dir, char *made)
{
	int fd;

	sprintf(made, "%s/%u", dir, r->number);
	switch (r->number % 3) {
	case 0:
		fd = open(made, O_WRONLY | O_CREAT, 0666);
		return fd < 0 ? fd : close(fd);
	case 1:
		return mkdir(made, 0777);
	default:
		return link(in(r, "file"), made);
	}
}

/* rmdir against creations in it: either it goes, or all are made. */
void race_rmdir(struct racer *r)
{
	uint32_t makers = (r->clients + 1) / 2;
	char made[700];

	if (!r->number)
		put_file(r, in(r, "file"), 'f', 10);
	for (uint32_t i = 0; i < r->rounds; i++) {
		const char *dir = in(r, "d%u", i);
		int bad = 0;

		if (!r->number) {
			must(r, !mkdir(dir, 0777));
			COUNT(r, 0) = COUNT(r, 1) = 0;
		}
		crew_race(r->crew);
		if (r->number < makers) {
			bad = make_inside(r, dir, made);
			must(r, !bad || errno == ENOENT);
			COUNT(r, 0) += !bad;
		} else {
			bad = r->fault ? rename(dir, in(r, "gone%u", i))
				       : rmdir(dir);
			must(r, !bad || errno == ENOENT || errno == ENOTEMPTY);
			COUNT(r, 1) += !bad;
		}
		crew_meet(r->crew);
		if (COUNT(r, 1))
			must(r, COUNT(r, 1) == 1 && !COUNT(r, 0));
		else
			must(r, COUNT(r, 0) == makers);
		must(r, access(dir, F_OK) == (COUNT(r, 1) ? -1 : 0));
		crew_meet(r->crew);
		if (r->number < makers && !bad)
			must(r, !remove(made));
		if (!r->number)
			COUNT(r, 2) += COUNT(r, 1);
		crew_meet(r->crew);
		if (!r->number && !COUNT(r, 1))
			must(r, !rmdir(dir));
	}
}

static void move_about(struct racer *r, uint32_t rounds)
{
	for (uint32_t i = 0; i < rounds; i++) {
		must(r, !rename(in(r, "p"), in(r, "o/p")));
		if (r->fault)
			must(r,
			     !rename(in(r, "o/p/q/r/f"), in(r, "f")) &&
				     !rename(in(r, "f"), in(r, "o/p/q/r/f")));
		must(r, !rename(in(r, "o/p/q"), in(r, "q")));
		must(r, !rename(in(r, "q"), in(r, "o/p/q")));
		must(r, !rename(in(r, "o/p"), in(r, "p")));
		COUNT(r, 0)++;
	}
	COUNT(r, 1) = 1;
}

/* By a path: the file or nothing.  By the directory: always the file. */
static void walk_one(struct racer *r, int dir, ino_t ino)
{
	static const char *const paths[] = { "p/q/r/f", "o/p/q/r/f", "q/r/f" };
	struct stat st;
	char name[40];
	int bad, fd;

	for (int i = 0; i < 3; i++) {
		bad = stat(in(r, "%s", paths[i]), &st);
		must(r, bad ? errno == ENOENT : st.st_ino == ino);
		COUNT(r, 2) += !bad;
	}
	must(r, !fstatat(dir, "f", &st, 0) && st.st_ino == ino);
	must(r, !fstatat(dir, "../r/f", &st, 0) && st.st_ino == ino);
	snprintf(name, sizeof(name), "n%u", r->number);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0666);
	must(r, fd >= 0 && !close(fd));
	must(r, !unlinkat(dir, name, 0));
}

/* Renames of directories against walks of paths below them. */
void race_walks(struct racer *r)
{
	struct stat st;
	int dir;

	if (!r->number) {
		must(r, !mkdir(in(r, "o"), 0777) && !mkdir(in(r, "p"), 0777));
		must(r, !mkdir(in(r, "p/q"), 0777));
		must(r, !mkdir(in(r, "p/q/r"), 0777));
		put_file(r, in(r, "p/q/r/f"), 'f', 10);
	}
	crew_meet(r->crew);
	dir = open(in(r, "p/q/r"), O_RDONLY | O_DIRECTORY);
	must(r, dir >= 0 && !fstatat(dir, "f", &st, 0));
	crew_race(r->crew);
	if (!r->number)
		move_about(r, r->rounds);
	else
		while (!COUNT(r, 1))
			walk_one(r, dir, st.st_ino);
	must(r, !close(dir));
	crew_meet(r->crew);
	must(r, !stat(in(r, "p/q/r/f"), &st));
	must(r, !stat(in(r, "p"), &st) && st.st_nlink == 3);
	must(r, !stat(in(r, "o"), &st) && st.st_nlink == 2);
}

/* All directories below a path, which are not so deep if there is no cycle. */
static int count_dirs(struct racer *r, const char *path, int depth)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int n = 1;

	must(r, d && depth < 20);
	while ((e = readdir(d))) {
		char sub[1000];

		must(r, e->d_type == DT_DIR);
		if (e->d_name[0] == '.')
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		n += count_dirs(r, sub, depth + 1);
	}
	closedir(d);
	return n;
}

static void remove_dirs(struct racer *r, const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	must(r, d);
	while ((e = readdir(d))) {
		char sub[1000];

		if (e->d_name[0] == '.')
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		remove_dirs(r, sub);
	}
	closedir(d);
	must(r, !rmdir(path));
}

/* Each client moves its directory into the next one's: one of them must
 * fail, and no directory is lost. */
void race_cycles(struct racer *r)
{
	for (uint32_t i = 0; i < r->rounds; i++) {
		const char *top = in(r, "t%u", i);
		uint32_t me = r->number, next = (me + 1) % r->clients;
		char from[700], to[700];
		int bad;

		if (!me) {
			must(r, !mkdir(top, 0777));
			COUNT(r, 0) = 0;
		}
		crew_meet(r->crew);
		snprintf(from, sizeof(from), "%s/%u", top, me);
		snprintf(to, sizeof(to), "%s/%u/%u", top, next, me);
		must(r, !mkdir(from, 0777));
		crew_race(r->crew);
		bad = r->fault ? rmdir(from) : rename(from, to);
		must(r, !bad || errno == EINVAL || errno == ENOENT);
		COUNT(r, 0) += !bad;
		COUNT(r, 1) += !bad;
		crew_meet(r->crew);
		must(r, COUNT(r, 0) >= 1 && COUNT(r, 0) < r->clients);
		must(r, count_dirs(r, top, 0) == 1 + (int)r->clients);
		crew_meet(r->crew);
		if (!me)
			remove_dirs(r, top);
	}
}
