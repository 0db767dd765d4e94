/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scale WHAT DIR N PROCESSES (DIR absolute): does one kind of work and prints
 * its name, how often it was done, and the seconds that took. files    N files
 * in one directory: create, stat, readdir, remove beside   the same again and
 * again, in turns with "files", of which it prints what "files" is just at:
 * SCALE_TURNS names the two fifos wide     N directories in one; deep: N, each
 * in the one before clients  each process makes, looks at and removes N files
 * of its own
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TURNS 3 /* for each kind of call */

static const char *dir;
static int processes;
static int to_other = -1, from_other = -1;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

typedef void one_fn(const char *path);

static void create_one(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);

	if (fd < 0 || close(fd))
		err(1, "create %s", path);
}

static void stat_one(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		err(1, "stat %s", path);
}

static void remove_one(const char *path)
{
	if (remove(path))
		err(1, "remove %s", path);
}

static void mkdir_one(const char *path)
{
	if (mkdir(path, 0777))
		err(1, "mkdir %s", path);
}

static void all_three(const char *path)
{
	create_one(path);
	stat_one(path);
	remove_one(path);
}

static void work(one_fn *one, const char *letter, long first, long end)
{
	char path[400];

	for (long i = first; i < end; i++) {
		snprintf(path, sizeof(path), "%s/%s%08ld", dir, letter, i);
		one(path);
	}
}

/* Numbers first to end - 1, divided among the processes.  Seconds. */
static double in_parallel(one_fn *one, const char *letter, long first, long end)
{
	double start = now();
	int status, bad = 0;
	long n = end - first;

	fflush(stdout);
	for (int p = 0; p < processes; p++)
		if (!fork()) {
			work(one, letter, first + n * p / processes,
			     first + n * (p + 1) / processes);
			_exit(0);
		}
	while (wait(&status) > 0)
		bad |= status;
	if (bad)
		errx(1, "a process has failed");
	return now() - start;
}

static void print(const char *what, double n, double seconds)
{
	printf("%s %.0f %.6f\n", what, n, seconds);
	fflush(stdout);
}

static double list(long n, bool look)
{
	double start = now();
	struct dirent *e;
	struct stat st;
	long found = 0;
	DIR *d = opendir(dir);

	if (!d)
		err(1, "%s", dir);
	while ((e = readdir(d))) {
		found += e->d_name[0] == 'f';
		if (look && fstatat(dirfd(d), e->d_name, &st, 0))
			err(1, "%s", e->d_name);
	}
	closedir(d);
	if (found != n)
		errx(1, "%ld of %ld names", found, n);
	return now() - start;
}

/* One kind of call, for files first to end - 1 of n. */
struct kind {
	const char *name;
	one_fn *one; /* NULL: the whole directory is listed */
	bool look;
};

static const struct kind kinds[] = {
	{ "create", create_one, false }, { "stat", stat_one, false },
	{ "readdir", NULL, false },	 { "readdir+stat", NULL, true },
	{ "remove", remove_one, false },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static double do_kind(const struct kind *k, long n, long first, long end)
{
	return k->one ? in_parallel(k->one, "f", first, end) : list(n, k->look);
}

/* The other one's turn, with that kind. */
static void others_turn(char kind)
{
	if (to_other >= 0 &&
	    (write(to_other, &kind, 1) != 1 || read(from_other, &kind, 1) != 1))
		errx(1, "the other one has gone");
}

static void files(long n)
{
	for (size_t k = 0; k < KINDS; k++) {
		int turns = kinds[k].one ? TURNS : 1;
		double sum = 0;

		if (kinds[k].one == remove_one && getenv("SCALE_FULL") &&
		    system(getenv("SCALE_FULL")))
			errx(1, "SCALE_FULL failed");
		for (int t = 0; t < turns; t++) {
			sum += do_kind(&kinds[k], n, n * t / turns,
				       n * (t + 1) / turns);
			others_turn((char)k);
		}
		print(kinds[k].name,
		      kinds[k].one ? (double)n : (double)n * turns, sum);
	}
}

static void beside(long n)
{
	char kind;

	while (read(from_other, &kind, 1) == 1) {
		for (size_t k = 0; k < KINDS; k++) {
			double s = do_kind(&kinds[k], n, 0, n);

			if ((size_t)kind == k)
				print(kinds[k].name, (double)n, s);
		}
		if (write(to_other, &kind, 1) != 1)
			break;
	}
}

/* PATH_MAX counts the terminating 0, NAME_MAX does not. */
static void check_limits(void)
{
	char name[NAME_MAX + 2], path[PATH_MAX + 1];
	struct stat st;
	size_t at;

	memset(name, 'n', sizeof(name));
	name[NAME_MAX + 1] = '\0';
	if (!mkdir(name, 0777) || errno != ENAMETOOLONG)
		err(1, "a name of %zu bytes", strlen(name));
	name[NAME_MAX] = '\0';
	mkdir_one(name);
	remove_one(name);
	at = (size_t)snprintf(path, sizeof(path), "%s", dir);
	while (at < PATH_MAX - 2) {
		memcpy(path + at, "/.", 3);
		at += 2;
	}
	memcpy(path + at, "/", PATH_MAX - at);
	path[PATH_MAX - 1] = '\0';
	if (lstat(path, &st))
		err(1, "a path of %zu bytes", strlen(path));
	memset(path + strlen(path), '/', 1);
	path[PATH_MAX] = '\0';
	if (!lstat(path, &st) || errno != ENAMETOOLONG)
		err(1, "a path of %zu bytes", strlen(path));
}

static void deep(long n)
{
	double start;

	if (chdir(dir))
		err(1, "%s", dir);
	check_limits();
	start = now();
	for (long i = 0; i < n; i++)
		if (mkdir("d", 0777) || chdir("d"))
			err(1, "level %ld", i);
	print("deep-mkdir+chdir", (double)n, now() - start);
	check_limits();
	start = now();
	for (long i = 0; i < n; i++)
		if (chdir("..") || rmdir("d"))
			err(1, "back at level %ld", i);
	print("deep-chdir+rmdir", (double)n, now() - start);
}

/* Each reads what the other writes, and the end when it has ended. */
static void open_turns(bool first)
{
	const char *turns = getenv("SCALE_TURNS");
	char there[400], back[400];

	if (!turns)
		return;
	snprintf(there, sizeof(there), "%s.there", turns);
	snprintf(back, sizeof(back), "%s.back", turns);
	to_other = open(first ? there : back, O_RDWR | O_CLOEXEC);
	from_other = open(first ? back : there, O_RDONLY | O_CLOEXEC);
	if (to_other < 0 || from_other < 0)
		err(1, "%s", turns);
}

int main(int argc, char **argv)
{
	long n = argc == 5 ? atol(argv[3]) : 0;

	processes = argc == 5 ? atoi(argv[4]) : 0;
	if (n < 1 || processes < 1)
		errx(2, "scale files|beside|wide|deep|clients DIR N PROCESSES");
	dir = argv[2];
	mkdir_one(dir);
	if (!strcmp(argv[1], "files")) {
		open_turns(true);
		files(n);
	} else if (!strcmp(argv[1], "beside")) {
		open_turns(false);
		beside(n);
	} else if (!strcmp(argv[1], "wide")) {
		print("wide-mkdir", (double)n,
		      in_parallel(mkdir_one, "d", 0, n));
		print("wide-rmdir", (double)n,
		      in_parallel(remove_one, "d", 0, n));
	} else if (!strcmp(argv[1], "deep")) {
		deep(n);
	} else {
		n *= processes;
		print("clients", (double)n, in_parallel(all_three, "c", 0, n));
	}
	if (chdir("/") || rmdir(dir))
		err(1, "%s is not empty at the end", dir);
	return 0;
}
