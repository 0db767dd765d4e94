/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * held DIR: descriptions that something we cannot see keeps alive: passed to a
 * socket by the system call itself, and closed.  Others are opened meanwhile,
 * and the first are taken back and used.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define HELD 5
#define MORE 50

/* Past libc, and so past every hook. */
static long raw(long number, long a, const void *b, long c)
{
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return r;
}

static void give_away(int sock, int fd)
{
	char byte = 'x', space[CMSG_SPACE(sizeof(int))] = "";
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = space,
			    .msg_controllen = sizeof(space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (raw(SYS_sendmsg, sock, &m, 0) != 1)
		errx(2, "sendmsg");
	if (close(fd))
		err(1, "close");
}

int main(int argc, char **argv)
{
	char name[32], back[32] = "";
	int pair[2], fd[MORE], more;

	if (argc != 2 || chdir(argv[1]))
		err(2, "usage: held DIR");
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		err(2, "socketpair");
	for (int i = 0; i < HELD; i++) {
		snprintf(name, sizeof(name), "held%d", i);
		fd[i] = open(name, O_CREAT | O_RDWR, 0644);
		if (fd[i] < 0)
			err(1, "%s", name);
		give_away(pair[0], fd[i]);
	}
	for (int i = 0; i < MORE; i++) {
		snprintf(name, sizeof(name), "more%d", i);
		fd[i] = open(name, O_CREAT | O_RDWR, 0644);
		if (fd[i] < 0)
			err(1, "%s", name);
		if (write(fd[i], name, strlen(name)) < 0)
			err(1, "write to %s", name);
	}
	for (int i = 0; i < MORE; i++) {
		snprintf(name, sizeof(name), "more%d", i);
		memset(back, 0, sizeof(back));
		if (pread(fd[i], back, sizeof(back), 0) < 0)
			err(1, "read of %s", name);
		if (strcmp(back, name))
			errx(1, "%s holds %s", name, back);
		close(fd[i]);
	}
	close(pair[0]);
	close(pair[1]);
	more = open("more0", O_RDONLY);
	if (more < 0)
		err(1, "more0");
	return 0;
}
