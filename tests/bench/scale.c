/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scale WHAT DIR N PROCESSES: does one kind of work and prints its name, how
 * often it was done, and the seconds that took.
 *   files    N files in one directory: create, stat, readdir, remove
 *   wide     N directories in one; deep: N, each in the one before
 *   clients  each process makes, looks at and removes N files of its own
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *dir;

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

/* n times, divided among the processes. */
static void in_parallel(const char *what, one_fn *one, const char *letter,
			long n, int processes)
{
	double start = now();
	int status, bad = 0;

	fflush(stdout);
	for (int p = 0; p < processes; p++)
		if (!fork()) {
			work(one, letter, n * p / processes,
			     n * (p + 1) / processes);
			_exit(0);
		}
	while (wait(&status) > 0)
		bad |= status;
	if (bad)
		errx(1, "%s: a process has failed", what);
	printf("%s %ld %.3f\n", what, n, now() - start);
}

static void list(long n)
{
	double start = now();
	struct dirent *e;
	struct stat st;
	long found = 0;
	DIR *d = opendir(dir);

	if (!d)
		err(1, "%s", dir);
	while ((e = readdir(d)))
		found += e->d_name[0] == 'f';
	if (found != n)
		errx(1, "%ld of %ld names", found, n);
	printf("readdir %ld %.3f\n", n, now() - start);
	start = now();
	rewinddir(d);
	while ((e = readdir(d)))
		if (fstatat(dirfd(d), e->d_name, &st, 0))
			err(1, "%s", e->d_name);
	closedir(d);
	printf("readdir+stat %ld %.3f\n", n, now() - start);
}

static void files(long n, int processes)
{
	in_parallel("create", create_one, "f", n, processes);
	in_parallel("stat", stat_one, "f", n, processes);
	list(n);
	/* whoever reads our output looks at the daemons now */
	printf("full %ld 0\n", n);
	fflush(stdout);
	if (getenv("SCALE_FULL") && system(getenv("SCALE_FULL")))
		errx(1, "SCALE_FULL failed");
	in_parallel("remove", remove_one, "f", n, processes);
}

static void deep(long n)
{
	double start = now();

	if (chdir(dir))
		err(1, "%s", dir);
	for (long i = 0; i < n; i++)
		if (mkdir("d", 0777) || chdir("d"))
			err(1, "level %ld", i);
	printf("deep-mkdir+chdir %ld %.3f\n", n, now() - start);
	start = now();
	for (long i = 0; i < n; i++)
		if (chdir("..") || rmdir("d"))
			err(1, "back at level %ld", i);
	printf("deep-chdir+rmdir %ld %.3f\n", n, now() - start);
}

int main(int argc, char **argv)
{
	long n = argc == 5 ? atol(argv[3]) : 0;
	int processes = argc == 5 ? atoi(argv[4]) : 0;

	if (n < 1 || processes < 1)
		errx(2, "scale files|wide|deep|clients DIR N PROCESSES");
	dir = argv[2];
	mkdir_one(dir);
	if (!strcmp(argv[1], "files")) {
		files(n, processes);
	} else if (!strcmp(argv[1], "wide")) {
		in_parallel("wide-mkdir", mkdir_one, "d", n, processes);
		in_parallel("wide-rmdir", remove_one, "d", n, processes);
	} else if (!strcmp(argv[1], "deep")) {
		deep(n);
	} else {
		in_parallel("clients", all_three, "c", n * processes,
			    processes);
	}
	if (chdir("/") || rmdir(dir))
		err(1, "%s is not empty at the end", dir);
	return 0;
}
