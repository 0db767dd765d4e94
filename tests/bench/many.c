/* SPDX-License-Identifier: BSD-3-Clause */
/* many create|remove|cycle DIR FIRST COUNT: that many files, 1,000 to a
 * directory; prints the calls' rate. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void create(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0644);

	if (fd < 0)
		die(path);
	close(fd);
}

static void one(const char *what, const char *dir, long n)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%ld", dir, n / 1000);
	if (*what != 'r' && n % 1000 == 0 && mkdir(path, 0755) &&
	    errno != EEXIST)
		die(path);
	snprintf(path, sizeof(path), "%s/%ld/file.%ld", dir, n / 1000, n);
	if (*what != 'r')
		create(path);
	if (*what != 'c' || !strcmp(what, "cycle"))
		if (unlink(path))
			die(path);
}

int main(int argc, char **argv)
{
	struct timespec a, b;
	long first, count;
	double s;

	if (argc != 5)
		return 64;
	first = strtol(argv[3], NULL, 10);
	count = strtol(argv[4], NULL, 10);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (long n = first; n < first + count; n++)
		one(argv[1], argv[2], n);
	clock_gettime(CLOCK_MONOTONIC, &b);
	s = (double)(b.tv_sec - a.tv_sec) +
	    (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	printf("%.0f\n", (double)count / s);
	return 0;
}
