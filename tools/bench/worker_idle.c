/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients that have a file open and do nothing. */
#include "tools/bench/worker.h"

#include "core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int make_file(const char *dir, unsigned i)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/idle.%u", dir, i);
	return open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0644);
}

static void be_client(const char *dir, unsigned i, int told)
{
	char c = make_file(dir, i) < 0 ? 'e' : 'o';

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)!write(told, &c, 1);
	for (;;)
		pause();
}

static int make_clients(const char *dir, unsigned n)
{
	int told[2];
	char c;

	if (pipe2(told, O_CLOEXEC))
		return -errno;
	for (unsigned i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return -errno;
		if (!pid)
			be_client(dir, i, told[1]);
	}
	close(told[1]);
	for (unsigned i = 0; i < n; i++)
		if (read(told[0], &c, 1) != 1 || c != 'o')
			return -EIO;
	close(told[0]);
	return 0;
}

static int make_files(const char *dir, unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++) {
		int fd = make_file(dir, i);

		if (fd < 0 || close(fd))
			return -errno;
	}
	return 0;
}

static void answer(int e)
{
	if (e)
		printf("error %d %s\n", -e, strerror(-e));
	else
		puts("ok 0 0");
}

int bench_idle_worker(char **args)
{
	unsigned clients = (unsigned)strtoul(args[0], NULL, 10);
	unsigned files = (unsigned)strtoul(args[2], NULL, 10);
	char line[8];

	answer(make_clients(args[1], clients));
	if (fgets(line, sizeof(line), stdin))
		answer(make_files(args[1], clients, files));
	while (fgets(line, sizeof(line), stdin))
		;
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM); /* the clients: our process group is our own */
	return 0;
}
