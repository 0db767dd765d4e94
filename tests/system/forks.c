/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * forks DIR COUNT: COUNT children, some dozens at a time, share a descriptor
 * with its offset, append to a log, make a file of their own, and exit in
 * different ways; each of them reads the next record.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AT_ONCE = 32, RECORD = 8 };

static int source, taken;

static int child(int n)
{
	char record[RECORD], name[32];
	int fd;

	/* the shared offset gives every child a record of its own */
	if (read(source, record, RECORD) != RECORD)
		return 1;
	if (write(taken, record, RECORD) != RECORD)
		return 2;
	snprintf(name, sizeof(name), "child%d", n % 50);
	fd = open(name, O_RDWR | O_CREAT | O_APPEND, 0644);
	if (fd < 0 || write(fd, "x", 1) != 1)
		return 3;
	if (n % 3 == 0)
		close(source);
	if (n % 5 == 0)
		kill(getpid(), SIGKILL);
	return 0;
}

static void reap(void)
{
	int status;

	if (wait(&status) < 0)
		err(1, "wait");
	if (status != 0 && status != SIGKILL)
		errx(1, "a child ended with %x", (unsigned int)status);
}

static int open_or_die(const char *name, int flags)
{
	int fd = open(name, O_RDWR | O_CREAT | flags, 0644);

	if (fd < 0)
		err(1, "%s", name);
	return fd;
}

/* Every record must have been read by exactly one child. */
static void check(int count)
{
	char *seen = calloc(1, (size_t)count), record[RECORD + 1] = "";
	off_t end = (off_t)count * RECORD;

	if (lseek(taken, 0, SEEK_END) != end ||
	    lseek(source, 0, SEEK_CUR) != end)
		errx(1, "wrong size or offset");
	for (int i = 0; i < count; i++) {
		int n;

		if (pread(taken, record, RECORD, (off_t)i * RECORD) != RECORD)
			err(1, "pread");
		n = atoi(record);
		if (n < 0 || n >= count || seen[n]++)
			errx(1, "record %d was read twice", n);
	}
	free(seen);
}

int main(int argc, char **argv)
{
	int count = argc == 3 ? atoi(argv[2]) : 0;
	char record[16];

	if (count <= 0)
		errx(2, "usage: forks DIR COUNT");
	if (chdir(argv[1]) < 0)
		err(1, "%s", argv[1]);
	source = open_or_die("source", 0);
	taken = open_or_die("taken", O_APPEND);
	for (int i = 0; i < count; i++) {
		snprintf(record, sizeof(record), "%07d\n", i);
		if (write(source, record, RECORD) != RECORD)
			err(1, "write");
	}
	if (lseek(source, 0, SEEK_SET) != 0)
		err(1, "lseek");
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0)
			_exit(child(i));
		if (i >= AT_ONCE)
			reap();
	}
	for (int i = count < AT_ONCE ? count : AT_ONCE; i > 0; i--)
		reap();
	check(count);
	return 0;
}
