/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls of libc by a program that has the preload library, for paths.sh:
 *
 *   foreign TIMES FILE NAME
 *
 * does one of the calls below on FILE, of the real tree or of BenchFS.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOT __attribute__((noinline)) static int

static char buf[4096];

HOT hot_foreign_pread(int fd, const char *path)
{
	return pread(fd, buf, sizeof(buf), 0) < 0;
}

HOT hot_ours_pread(int fd, const char *path)
{
	return pread(fd, buf, sizeof(buf), 0) < 0;
}

HOT hot_foreign_stat(int fd, const char *path)
{
	struct stat st;

	return stat(path, &st);
}

HOT hot_foreign_open(int fd, const char *path)
{
	int got = open(path, O_RDONLY);

	return got < 0 || close(got);
}

static const struct {
	const char *name;
	int (*f)(int fd, const char *path);
} calls[] = {
	{ "foreign_pread", hot_foreign_pread },
	{ "ours_pread", hot_ours_pread },
	{ "foreign_stat", hot_foreign_stat },
	{ "foreign_open", hot_foreign_open },
};

static int repeat(int (*f)(int fd, const char *path), int fd, const char *path,
		  long n)
{
	for (long i = 0; i < n; i++)
		if (f(fd, path)) {
			perror(path);
			return 1;
		}
	return 0;
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 4)
		return 64;
	fd = open(argv[2], O_RDONLY | O_CREAT, 0644);
	if (fd < 0) {
		perror(argv[2]);
		return 1;
	}
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (!strcmp(calls[i].name, argv[3]))
			return repeat(calls[i].f, fd, argv[2],
				      strtol(argv[1], NULL, 10));
	return 64;
}
