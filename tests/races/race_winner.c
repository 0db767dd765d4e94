/* SPDX-License-Identifier: BSD-3-Clause */
/* S2: of all who make one name, one succeeds; the others see its work. */
#include "race.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int make_fn(struct racer *r, const char *name, uint32_t round);

static void winner(struct racer *r, make_fn *make, mode_t type)
{
	for (uint32_t i = 0; i < r->rounds; i++) {
		const char *name = in(r, "w%u", i);
		struct stat st;
		int won;

		crew_race(r->crew);
		won = make(r, name, i);
		if (won < 0)
			must(r, errno == EEXIST);
		else
			COUNT(r, 0)++;
		/* it is there, whoever made it */
		must(r, !lstat(name, &st));
		must(r, (st.st_mode & S_IFMT) == type);
		crew_meet(r->crew);
		must(r, COUNT(r, 0) == i + 1);
		crew_meet(r->crew);
		if (!won)
			must(r, !(S_ISDIR(type) ? rmdir : unlink)(name));
	}
}

static int make_excl(struct racer *r, const char *name, uint32_t round)
{
	int fd = open(name, O_WRONLY | O_CREAT | (r->fault ? 0 : O_EXCL), 0666);

	(void)round;
	if (fd < 0)
		return -1;
	must(r, write(fd, "one", 3) == 3);
	must(r, !close(fd));
	return 0;
}

void race_excl(struct racer *r)
{
	winner(r, make_excl, S_IFREG);
}

static int make_dir(struct racer *r, const char *name, uint32_t round)
{
	(void)r, (void)round;
	return mkdir(name, 0777);
}

void race_mkdir(struct racer *r)
{
	winner(r, make_dir, S_IFDIR);
}

/* The winner's target stays. */
static int make_symlink(struct racer *r, const char *name, uint32_t round)
{
	char mine[40], got[40] = "";
	int won;

	snprintf(mine, sizeof(mine), "%u.%u", round, r->number);
	won = symlink(mine, name);
	if (!won) {
		must(r, readlink(name, got, sizeof(got)) > 0);
		for (int i = 0; mine[i]; i++)
			must(r, got[i] == mine[i]);
		return 0;
	}
	must(r, errno == EEXIST);
	must(r, readlink(name, got, sizeof(got)) > 0);
	errno = EEXIST;
	return won;
}

void race_symlink(struct racer *r)
{
	winner(r, make_symlink, S_IFLNK);
}

static int link_count(struct racer *r, const char *name)
{
	struct stat st;

	must(r, !lstat(name, &st));
	return (int)st.st_nlink;
}

static int make_link(struct racer *r, const char *name, uint32_t round)
{
	const char *mine = in(r, "m%u", r->number);
	int won, e;

	(void)round;
	put_file(r, mine, 'm', 100);
	won = link(mine, name);
	e = errno;
	must(r, link_count(r, mine) == (won ? 1 : 2));
	must(r, !unlink(mine));
	errno = e;
	return won;
}

void race_link(struct racer *r)
{
	winner(r, make_link, S_IFREG);
}

static int make_noreplace(struct racer *r, const char *name, uint32_t round)
{
	const char *mine = in(r, "m%u", r->number);
	int won, e;

	(void)round;
	must(r, !mkdir(mine, 0777));
	won = renameat2(AT_FDCWD, mine, AT_FDCWD, name,
			r->fault ? 0 : RENAME_NOREPLACE);
	e = errno;
	/* the loser still has its own */
	if (won)
		must(r, !rmdir(mine));
	else
		must_fail(r, rmdir(mine), ENOENT);
	errno = e;
	return won;
}

void race_noreplace(struct racer *r)
{
	winner(r, make_noreplace, S_IFDIR);
}
