/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/tools.h"

#include "core/util.h"

#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

/* What somebody may send us, meaning the program that we run. */
static const int taken[] = { SIGINT,  SIGQUIT, SIGTERM, SIGHUP,
			     SIGUSR1, SIGUSR2, SIGALRM };
static sigset_t mask_before;
static struct sigaction child_before;

int bfs_signals_take(void)
{
	struct sigaction was, dflt = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < BFS_COUNT(taken); i++)
		/* nohup and trap '' are to be respected. */
		if (!sigaction(taken[i], NULL, &was) &&
		    was.sa_handler != SIG_IGN)
			sigaddset(&set, taken[i]);
	/* With SIGCHLD ignored there would be no exit status to wait for. */
	sigaction(SIGCHLD, &dflt, &child_before);
	if (sigprocmask(SIG_BLOCK, &set, &mask_before))
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void bfs_signals_give_back(void)
{
	sigaction(SIGCHLD, &child_before, NULL);
	sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

void bfs_signals_dispose(void (*handler)(int))
{
	for (size_t i = 0; i < BFS_COUNT(taken); i++)
		signal(taken[i], handler);
	signal(SIGPIPE, handler);
}

int bfs_signals_next(int fd, bool *told)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	*told = info.ssi_code == SI_KERNEL;
	return (int)info.ssi_signo;
}
