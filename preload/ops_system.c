/* SPDX-License-Identifier: BSD-3-Clause */
/* system: libc's own would spawn behind our back. */
#include "core/sys.h"
#include "preload/ops.h"
#include "preload/real.h"
#include "preload/shell.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#define SHELL "/bin/sh"

int bfs_shell_start(pid_t *pid, const char *command,
		    const posix_spawn_file_actions_t *actions,
		    const posix_spawnattr_t *attr)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)command, NULL };

	return bfs_posix_spawn(pid, SHELL, actions, attr, argv, environ);
}

int bfs_shell_wait(pid_t pid)
{
	int status = -1;
	long r;

	do
		r = bfs_sys_4(SYS_wait4, pid, &status, 0, NULL);
	while (r == -EINTR);
	if (r >= 0)
		return status;
	errno = (int)-r;
	return -1;
}

/* SIGINT and SIGQUIT are the command's while any thread waits for one. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int waiting;
static struct sigaction on_int, on_quit;

static void ignore_signals(sigset_t *mask, posix_spawnattr_t *attr)
{
	struct sigaction ign = { .sa_handler = SIG_IGN };
	sigset_t set;

	pthread_mutex_lock(&mutex);
	if (!waiting++) {
		sigaction(SIGINT, &ign, &on_int);
		sigaction(SIGQUIT, &ign, &on_quit);
	}
	sigemptyset(&set);
	if (on_int.sa_handler != SIG_IGN)
		sigaddset(&set, SIGINT);
	if (on_quit.sa_handler != SIG_IGN)
		sigaddset(&set, SIGQUIT);
	pthread_mutex_unlock(&mutex);
	posix_spawnattr_setsigdefault(attr, &set);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &set, mask);
	posix_spawnattr_setsigmask(attr, mask);
	posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF |
					       POSIX_SPAWN_SETSIGMASK);
}

static void restore_signals(const sigset_t *mask)
{
	pthread_mutex_lock(&mutex);
	if (!--waiting) {
		sigaction(SIGINT, &on_int, NULL);
		sigaction(SIGQUIT, &on_quit, NULL);
	}
	pthread_mutex_unlock(&mutex);
	pthread_sigmask(SIG_SETMASK, mask, NULL);
}

int bfs_system(const char *command)
{
	int saved = errno, status, e;
	posix_spawnattr_t attr;
	sigset_t mask;
	pid_t pid;

	if (!command)
		return bfs_system("exit 0") == 0;
	posix_spawnattr_init(&attr);
	ignore_signals(&mask, &attr);
	e = bfs_shell_start(&pid, command, NULL, &attr);
	/* Without a shell: as if the shell had ended so. */
	status = e ? W_EXITCODE(127, 0) : bfs_shell_wait(pid);
	restore_signals(&mask);
	posix_spawnattr_destroy(&attr);
	if (e || status != -1)
		errno = e ? -e : saved;
	return status;
}
