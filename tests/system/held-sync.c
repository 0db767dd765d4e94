/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded into a daemon: a disk that is slow, or fails.  syncfs says in the
 * file $HELD_SYNC.in that it has begun, waits while there is $HELD_SYNC, and is
 * EIO while there is $HELD_SYNC.eio.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAUSES 6000 /* of 10 ms, at most */

static int there(const char *suffix)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s%s", getenv("HELD_SYNC"), suffix);
	return !access(path, F_OK);
}

static void tell(void)
{
	char path[4096], line[32];
	int fd, n;

	snprintf(path, sizeof(path), "%s.in", getenv("HELD_SYNC"));
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	n = snprintf(line, sizeof(line), "%d\n", getpid());
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

__attribute__((visibility("default"))) int syncfs(int fd)
{
	if (getenv("HELD_SYNC")) {
		tell();
		for (int i = 0; i < PAUSES && there(""); i++)
			usleep(10000);
		if (there(".eio")) {
			errno = EIO;
			return -1;
		}
	}
	return (int)syscall(SYS_syncfs, fd);
}
