/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Signals and threads: what matters is that calls past the C library are
 * served all the same.  A row runs anew with BENCHFS_SYSCALLS.
 */
#include "tests/hooks/row.h"

#include "tests/system/raw.h"

#include <signal.h>

static void caught(const char *row)
{
	const char *set = getenv("BENCHFS_SYSCALLS");

	if (!row_ours || (set && !strcmp(set, "1")))
		return;
	setenv("BENCHFS_SYSCALLS", "1", 1);
	rmdir(row_dir);
	*strrchr(row_dir, '/') = '\0';
	execl("/proc/self/exe", "rows", "run", row, row_dir, (char *)NULL);
	row_skip("cannot be run anew");
}

/* A new file, by a system call of our own. */
static long make(const char *name)
{
	long fd = RAW3(open, P(name), O_WRONLY | O_CREAT | O_EXCL, 0644);

	return fd < 0 ? fd : RAW1(close, fd);
}

static volatile sig_atomic_t count;
static volatile long made;

static void handler(int sig)
{
	count++;
	made = make("by-handler");
}

static struct sigaction full(void)
{
	struct sigaction a = { .sa_handler = handler };

	sigfillset(&a.sa_mask);
	return a;
}

ROW(sigaction)
{
	struct sigaction a = full(), old;

	caught("sigaction");
	OK(sigaction(SIGUSR1, &a, &old));
	TRUE(old.sa_handler == SIG_DFL);
	raise(SIGUSR1);
	GIVES(count, 1);
	GIVES(made, 0);
	OK(sigaction(SIGUSR1, NULL, &old));
	TRUE(old.sa_handler == handler);
	TRUE(sigismember(&old.sa_mask, SIGHUP) == 1);
	OK(sigaction(SIGSYS, &a, &old));
	TRUE(old.sa_handler == SIG_DFL);
	GIVES(make("after"), 0);
	OK(sigaction(SIGSYS, NULL, &old));
	TRUE(old.sa_handler == handler);
	FAILS(sigaction(SIGKILL, &a, NULL), EINVAL);
}

ROW(signal)
{
	caught("signal");
	TRUE(signal(SIGSYS, handler) == SIG_DFL);
	raise(SIGSYS);
	GIVES(count, 1);
	GIVES(made, 0);
	GIVES(make("after"), 0);
	GIVES(count, 1);
	TRUE(signal(SIGSYS, SIG_IGN) == handler);
	raise(SIGSYS);
	GIVES(make("ignored"), 0);
	TRUE(signal(SIGUSR1, handler) == SIG_DFL);
	TRUE(signal(SIGUSR1, SIG_DFL) == handler);
	errno = 0;
	TRUE(signal(SIGKILL, handler) == SIG_ERR && errno == EINVAL);
}

ROW(sigprocmask)
{
	sigset_t all, old;

	caught("sigprocmask");
	sigfillset(&all);
	OK(sigprocmask(SIG_BLOCK, &all, &old));
	TRUE(!sigismember(&old, SIGUSR1));
	GIVES(make("a"), 0);
	OK(sigprocmask(SIG_SETMASK, &all, NULL));
	GIVES(make("b"), 0);
	OK(sigprocmask(SIG_UNBLOCK, &all, &old));
	TRUE(sigismember(&old, SIGUSR1));
	OK(sigprocmask(SIG_BLOCK, NULL, &old));
	TRUE(!sigismember(&old, SIGUSR1));
	FAILS(sigprocmask(77, &all, NULL), EINVAL);
}

ROW(pthread_sigmask)
{
	sigset_t all, old;

	caught("pthread_sigmask");
	sigfillset(&all);
	OK(pthread_sigmask(SIG_BLOCK, &all, NULL));
	GIVES(make("a"), 0);
	OK(pthread_sigmask(SIG_SETMASK, &all, &old));
	TRUE(sigismember(&old, SIGUSR1));
	GIVES(make("b"), 0);
	IS(pthread_sigmask(77, &all, NULL), EINVAL);
}

ROW(sigsuspend)
{
	struct sigaction a = full();
	sigset_t one, others;

	caught("sigsuspend");
	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	sigfillset(&others);
	sigdelset(&others, SIGUSR1);
	sigemptyset(&a.sa_mask);
	OK(sigaction(SIGUSR1, &a, NULL));
	OK(sigprocmask(SIG_BLOCK, &one, NULL));
	raise(SIGUSR1);
	GIVES(count, 0);
	FAILS(sigsuspend(&others), EINTR);
	GIVES(count, 1);
	GIVES(made, 0);
}

static void *thread(void *arg)
{
	made = make("by-thread");
	return arg;
}

ROW(pthread_create)
{
	pthread_t t;
	void *got;

	caught("pthread_create");
	OK(pthread_create(&t, NULL, thread, row_dir));
	OK(pthread_join(t, &got));
	TRUE(got == row_dir);
	GIVES(made, 0);
	TRUE(exists("by-thread"));
}

static int thrd(void *arg)
{
	thread(arg);
	return -3;
}

ROW(thrd_create)
{
	thrd_t t;
	int got;

	caught("thrd_create");
	GIVES(thrd_create(&t, thrd, NULL), thrd_success);
	GIVES(thrd_join(t, &got), thrd_success);
	GIVES(got, -3);
	GIVES(made, 0);
	TRUE(exists("by-thread"));
}
